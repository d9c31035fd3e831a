import type { Entry } from '#ledger'
import type { ChosenData } from '#pipelines'
import { dataChoices, type DataChoice, type PolicyConfig } from '#projects'
import { minuteOf } from './minute.ts'

type WindowChoice = Extract<DataChoice, { kind: 'window' }>

/** The data of which a policy wants the newest version. */
export function latestPaths(policy: PolicyConfig): string[] {
  return dataChoices(policy).flatMap(({ kind, path }) => (kind === 'latest' ? [path] : []))
}

/** What a run is to be made of after an entry, or what is lacking for that. `finding`: something was found in a window. */
export function chosenData(
  policy: PolicyConfig,
  entry: Entry,
  finding: boolean,
): { data: ChosenData[]; lacks: string | null } {
  const data: ChosenData[] = []
  for (const choice of dataChoices(policy)) {
    if (choice.kind === 'latest') continue
    if (choice.kind === 'last') {
      data.push(choice)
      continue
    }
    const chosen = finding ? ofFinding(choice, entry) : untilNow(choice)
    if (chosen === undefined)
      return {
        data: [],
        lacks: `nothing was found that would say whose predictions of which time ${choice.path} is made of; write { window: 7d, of: ENDPOINT } in orrery.yaml to have them at any time`,
      }
    data.push(chosen)
  }
  return { data, lacks: null }
}

function ofFinding({ path, ...choice }: WindowChoice, { data }: Entry): ChosenData | undefined {
  const { endpoint: found, window, start, end } = data
  if (typeof start !== 'string' || typeof end !== 'string' || typeof found !== 'string')
    return untilNow({ path, ...choice })
  const endMs = Date.parse(end)
  const { lengthMs, holdoutMs } = choice
  const fromMs = lengthMs === null ? Date.parse(start) : endMs - lengthMs
  return {
    kind: 'window',
    path,
    endpoint: choice.endpoint ?? found,
    span: { fromMs, toMs: endMs - holdoutMs },
    window: typeof window === 'string' ? window : null,
  }
}

function untilNow({ path, endpoint, lengthMs, holdoutMs }: WindowChoice): ChosenData | undefined {
  if (endpoint === null || lengthMs === null) return undefined
  return { kind: 'window', path, endpoint, span: { lengthMs, holdoutMs }, window: null }
}

/** What a run is made of, in words that go on a sentence. */
export function dataWords(data: readonly ChosenData[]): string {
  const words = data.map((each) => {
    if (each.kind === 'last')
      return each.count === 1
        ? `the newest version of ${each.of}`
        : `the last ${each.count} versions of ${each.of}`
    const { endpoint, span } = each
    const time =
      'fromMs' in span
        ? `from ${minuteOf(span.fromMs)} to ${minuteOf(span.toMs)}`
        : `of the last ${span.lengthMs / 3_600_000} h`
    return `what ${endpoint} predicted ${time}`
  })
  return words.length === 0 ? '' : ` on ${words.join(' and ')}`
}
