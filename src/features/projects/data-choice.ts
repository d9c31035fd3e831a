import { Type, type Static } from 'typebox'
import { durationMs, durationPattern, Name, strict } from './config-words.ts'

const Duration = Type.String({ pattern: durationPattern })

/** Of what a policy's run is made, by the path where it lies for its stages. */
export const DataChoiceSchema = Type.Union([
  /** Data that the project tracks there, as the commit has it. */
  Type.Literal('latest'),
  /** Predictions with their truths: those of the window in which something was found. */
  Type.Literal('window'),
  Type.Object(
    {
      /** Of so long a time up to the end of that window. */
      window: Duration,
      /** The end of that time is left out, for the candidate to be compared with the champion on. */
      holdout: Type.Optional(Duration),
      /** The endpoint, where nothing that is found names it. */
      of: Type.Optional(Name),
    },
    strict,
  ),
  Type.Object(
    {
      /** So many of the newest versions, each by itself in a folder. */
      last: Type.Integer({ minimum: 1, maximum: 100 }),
      /** Path of the data that the project tracks. */
      of: Type.String({ minLength: 1, maxLength: 1024 }),
    },
    strict,
  ),
])

/** One choice, with nothing left out. */
export type DataChoice =
  | { readonly kind: 'latest'; readonly path: string }
  | {
      readonly kind: 'window'
      readonly path: string
      /** That of the finding where there is none. */
      readonly endpoint: string | null
      /** The finding's window alone where there is none. */
      readonly lengthMs: number | null
      readonly holdoutMs: number
    }
  | { readonly kind: 'last'; readonly path: string; readonly of: string; readonly count: number }

type Choices = Readonly<Record<string, Static<typeof DataChoiceSchema>>>

export function dataChoices({ data }: { readonly data: Choices }): DataChoice[] {
  return Object.entries(data).map(([path, choice]): DataChoice => {
    if (choice === 'latest') return { kind: 'latest', path }
    if (choice === 'window')
      return { kind: 'window', path, endpoint: null, lengthMs: null, holdoutMs: 0 }
    if ('last' in choice)
      return { kind: 'last', path, of: choice.of.replace(/\/+$/, ''), count: choice.last }
    const { window, holdout = '0s', of = null } = choice
    const [lengthMs, holdoutMs] = [durationMs(window), durationMs(holdout)]
    return { kind: 'window', path, endpoint: of, lengthMs, holdoutMs }
  })
}

/** Why data cannot be put where it is to lie, or not be had. */
export function dataProblems(
  policy: { readonly data: Choices },
  endpoints: readonly string[],
): string[] {
  return dataChoices(policy).flatMap((choice) => {
    if (choice.kind === 'latest') return []
    const problem = isInside(choice.path)
      ? choiceProblem(choice, endpoints)
      : 'name a path in the project, as data/recent'
    return problem === undefined ? [] : [`data ${choice.path}: ${problem}`]
  })
}

function choiceProblem(
  choice: Exclude<DataChoice, { kind: 'latest' }>,
  endpoints: readonly string[],
): string | undefined {
  const { path } = choice
  if (choice.kind === 'last') {
    const { of } = choice
    const isOneInOther = `${path}/`.startsWith(`${of}/`) || `${of}/`.startsWith(`${path}/`)
    return isOneInOther
      ? `versions of ${of} cannot lie in its own place; name another path`
      : undefined
  }
  const { endpoint, lengthMs, holdoutMs } = choice
  if (!path.endsWith('.parquet'))
    return 'what was predicted is written as Parquet, so its name has to end with .parquet'
  if (endpoint !== null && !endpoints.includes(endpoint))
    return `there is no endpoint ${endpoint} in this file`
  return lengthMs !== null && lengthMs <= holdoutMs
    ? `nothing is left of ${lengthMs / 1000} s when the last ${holdoutMs / 1000} s are held out`
    : undefined
}

/** Whether a path stays in the project, and out of what describes it. */
export function isInside(path: string): boolean {
  return path
    .split('/')
    .every(
      (part) => /^[^\s\\-][^\\\p{Cc}]*$/u.test(part) && !['.', '..', '.git', '.dvc'].includes(part),
    )
}
