import type { ApiClient } from '../client.ts'
import type { ShownTrace } from '../commands/trace.ts'
import type { ToldEntry } from './story.ts'

export interface MonthSummary {
  readonly month: string
  readonly predictions: number
  readonly labels: number
  /** Labelled predictions that both models made; the AUCs are of these. */
  readonly compared: number
  readonly auc_loop: number | null
  readonly auc_frozen: number | null
  readonly alerts: number
  readonly retrainings: number
  readonly promotions: number
  readonly refusals: number
}

export interface Summary {
  readonly months: readonly MonthSummary[]
  readonly trace: ShownTrace
  readonly seconds: number
}

/** A month as its flights were scheduled, from its first hour to behind its last. */
export interface Span {
  readonly month: string
  readonly fromMs: number
  readonly toMs: number
}

interface Compared {
  predictions: number
  labels: number
  compared: number
  live: number | null
  shadow: number | null
}

/** A month's row: predictions, truths and AUCs from the prediction log, the rest counted from the ledger. */
export async function monthSummary(
  api: ApiClient,
  endpoint: string,
  { month, fromMs, toMs }: Span,
  entries: readonly ToldEntry[],
): Promise<MonthSummary> {
  const compared = await api.get<Compared>(`/endpoints/${endpoint}/comparison`, {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
  })
  const inMonth = entries.filter((entry) => entry.event?.startsWith(month) === true)
  const count = (type: string, holds: (entry: ToldEntry) => boolean = () => true) =>
    inMonth.filter((entry) => entry.type === type && holds(entry)).length
  return {
    month,
    predictions: compared.predictions,
    labels: compared.labels,
    compared: compared.compared,
    auc_loop: compared.live,
    auc_frozen: compared.shadow,
    alerts: count('alert-raised'),
    retrainings: count('policy-run-finished', (entry) => entry.data['modelVersion'] !== null),
    promotions: count('promotion-accepted'),
    refusals: count('promotion-refused'),
  }
}

const COLUMNS = [
  ['month', 7],
  ['predictions', 11],
  ['labels', 7],
  ['auc_loop', 8],
  ['auc_frozen', 10],
  ['alerts', 6],
  ['retrainings', 11],
  ['promotions', 10],
  ['refusals', 8],
] as const satisfies readonly (readonly [keyof MonthSummary, number])[]

/** The summary as a table of fixed columns. */
export function summaryTable(months: readonly MonthSummary[]): string {
  const line = (values: readonly string[]) =>
    values.map((value, at) => value.padStart(COLUMNS[at]?.[1] ?? 0)).join('  ')
  return [
    line(COLUMNS.map(([name]) => name)),
    ...months.map((month) => line(COLUMNS.map(([name]) => cell(month[name])))),
  ].join('\n')
}

function cell(value: number | string | null): string {
  return typeof value === 'number' && !Number.isInteger(value)
    ? value.toFixed(4)
    : String(value ?? '–')
}

/** What the figures say, whichever way they fall. */
export function verdict(months: readonly MonthSummary[]): string {
  const both = months.filter((month) => month.auc_loop !== null && month.auc_frozen !== null)
  const weighted = (key: 'auc_loop' | 'auc_frozen') =>
    both.reduce((sum, month) => sum + (month[key] ?? 0) * month.labels, 0) /
    Math.max(
      1,
      both.reduce((sum, month) => sum + month.labels, 0),
    )
  const [loop, frozen] = [weighted('auc_loop'), weighted('auc_frozen')]
  const ahead = both.filter((month) => (month.auc_loop ?? 0) > (month.auc_frozen ?? 0)).length
  const figures = `mean AUC ${loop.toFixed(4)} against ${frozen.toFixed(4)}, ahead in ${ahead} of ${both.length} months`
  const beats = loop > frozen ? 'beats' : 'does NOT beat'
  return `The loop ${beats} the model that was never retrained: ${figures}.${leftOut(both)}`
}

function leftOut(months: readonly MonthSummary[]): string {
  const [compared, labels] = (['compared', 'labels'] as const).map((key) =>
    months.reduce((sum, month) => sum + month[key], 0),
  )
  return compared === labels
    ? ''
    : `\nBoth AUCs are of the ${compared} of ${labels} labelled flights that the shadow was asked for: on a busy machine shadows are left out first.`
}
