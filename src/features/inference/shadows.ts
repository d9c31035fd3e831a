import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import { checkRows, type Deployed, type Deployment } from './deployment.ts'
import { feedsOf, type PredictionRequest } from './asked.ts'
import { within } from './within.ts'
import type { LoggedRevision, NewAnswer } from './journal.ts'
import { rowsOf, type Tensor } from './tensor.ts'

/** How long an answer waits for shadows after the live model has answered. */
const GRACE_MS = 100

/** What the shadows say to a request, while and after its caller waits. */
export interface ShadowAnswers {
  /** Those that come within the grace. Called once, after the live model has answered. */
  inTime(): Promise<NewAnswer[]>
  /** Resolves with all the others. */
  readonly late: Promise<NewAnswer[]>
}

/** Asks all shadows of a deployment what the live model is being asked. */
export function askShadows(
  { live, shadows }: Deployment,
  context: { asked: Promise<Tensor[]>; request: PredictionRequest; rows: number; logger: Logger },
): ShadowAnswers {
  const early: NewAnswer[] = []
  let waiting = true
  const answers = shadows.map(async (shadow) => {
    const answer = await shadowAnswer(shadow, { ...context, live })
    if (answer === undefined || !waiting) return answer
    early.push(answer)
    return undefined
  })
  const all = Promise.all(answers)
  return {
    inTime: async () => {
      if (answers.length > 0) await within(all, GRACE_MS)
      waiting = false
      return early
    },
    late: all.then((each) => each.filter((answer) => answer !== undefined)),
  }
}

/** What a shadow says; undefined if it says nothing. It never rejects: only the log asks for it. */
async function shadowAnswer(
  shadow: Deployed,
  context: Parameters<typeof askShadows>[1] & { live: Deployed },
): Promise<NewAnswer | undefined> {
  const { live, asked, request, rows, logger } = context
  const { modelVersion } = shadow.logged
  try {
    // The same model says the same: it is asked once.
    const same = modelVersion === live.logged.modelVersion
    const outputs = same ? await asked : await shadow.infer(feedsOf(shadow, request).feeds)
    checkRows(outputs, rows, modelVersion)
    return answerOf(shadow.logged, outputs)
  } catch (error) {
    logger.debug({ model: modelVersion, error: messageOf(error) }, 'a shadow failed')
    return undefined
  }
}

export function answerOf(revision: LoggedRevision, outputs: readonly Tensor[]): NewAnswer {
  return { revision, outputs: outputs.map(rowsOf) }
}
