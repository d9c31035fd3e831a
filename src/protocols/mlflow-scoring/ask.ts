import { Problem } from '#base/problem'
import type { Inference, PredictionAnswer, PredictionRequest } from '#inference'
import { outputsText } from './answer.ts'
import { scoringIn } from './body.ts'
import { Misfit } from './errors.ts'
import type { Scoring } from './forms.ts'

/** A body, or the input that was read of one, and what else its request says. */
export type AskedBody = {
  readonly context: Omit<PredictionRequest, 'input' | 'params'>
} & (
  | { readonly contentType: string | undefined; readonly body: unknown }
  | { readonly input: PredictionRequest['input'] }
)

/**
 * Asks an endpoint what a body in one of MLflow's forms asks, and gives the answer as MLflow would tell it; `bare` is
 * the same without the key `predictions` around it.
 */
export async function askInMlflowForms(
  inference: Inference,
  name: string,
  { context, ...given }: AskedBody,
): Promise<{ answer: PredictionAnswer; text: string; bare: string }> {
  const binaryColumns = async () => {
    const { columns } = await inference.describe(name, context.pin)
    return new Set(columns?.flatMap((each) => (each.type === 'binary' ? [each.name] : [])))
  }
  const read: Scoring | Promise<Scoring> =
    'input' in given
      ? { input: given.input, answer: 'records' }
      : scoringIn(given.contentType, given.body, binaryColumns)
  const { answer: told, ...asked } = read instanceof Promise ? await read : read
  checkRows(asked.input)
  const answer = await inference.predict(name, { ...context, ...asked })
  const shown = await shownAs(inference, { name, told, answer })
  const bare = outputsText(answer, shown)
  return { answer, bare, text: shown === 'bare' ? bare : `{"predictions":${bare}}` }
}

/** A model whose signature has columns is answered with rows, one with tensors with arrays, whatever was sent. */
async function shownAs(
  inference: Inference,
  { name, told, answer }: { name: string; told: Scoring['answer']; answer: PredictionAnswer },
): Promise<Scoring['answer']> {
  if (answer.form !== undefined || told === 'bare') return told
  try {
    const pin = { by: 'revision', revision: answer.revision } as const
    const { columns, tensors = null } = await inference.describe(name, pin)
    if (columns !== null) return 'records'
    return tensors === null ? told : 'arrays'
  } catch (error) {
    // What answered a repeated request before may be gone by now.
    if (error instanceof Problem) return told
    throw error
  }
}

/** Throws for a table without rows. */
function checkRows(input: PredictionRequest['input']): void {
  if (input.form !== 'tensors' && input.rows.length === 0) throw new Misfit('the input has no rows')
}
