import type { WholeReport } from '../together/index.ts'

/** Which rules decide: Orrery's own, those of Evidently, those of TensorFlow Data Validation. */
export type Preset = 'native' | 'evidently' | 'tfdv'

export const PRESETS: readonly Preset[] = ['native', 'evidently', 'tfdv']

/** What `orrery drift --json` prints. Fields may be added to it; a change of what is there changes `version`. */
export interface DriftReport extends SpanReport {
  readonly version: 1
  readonly preset: Preset
  readonly reference: ComparedTable
  readonly current: ComparedTable
  /** Columns that only one side has. */
  readonly only: { readonly reference: readonly string[]; readonly current: readonly string[] }
  /** The current rows by spans of a time column, where these were asked for. */
  readonly windows: readonly WindowReport[] | null
  /** All columns together, texts and lists of numbers, where these were asked for. */
  readonly multivariate: WholeReport | null
}

export interface ComparedTable {
  readonly name: string
  readonly rows: number
}

/** What was found of some rows: a verdict on each column, and one on all. */
export interface SpanReport {
  readonly verdict: ColumnVerdict
  readonly drifted: readonly string[]
  /** How many columns a verdict could be given on. */
  readonly compared: number
  /** Drifted of compared, and the part from which on the data as a whole has drifted. */
  readonly share: number
  readonly shareMax: number
  readonly columns: readonly ColumnReport[]
}

export interface WindowReport extends SpanReport {
  /** In UTC. */
  readonly from: string
  /** Exclusive. */
  readonly to: string
  readonly rows: number
}

export type ColumnKind = 'numeric' | 'categorical' | 'text' | 'other'

export type ColumnVerdict = 'steady' | 'drifted' | 'not-applicable'

export interface ColumnReport {
  readonly column: string
  readonly kind: ColumnKind
  /** The types that the two sides have it by; null where one lacks it. */
  readonly types: { readonly reference: string | null; readonly current: string | null }
  readonly verdict: ColumnVerdict
  /** Why there is no verdict, or what the verdict rests on besides the statistics. */
  readonly reason: string | null
  readonly reference: SideSummary | null
  readonly current: SideSummary | null
  readonly statistics: readonly StatisticReport[]
}

/** What one side holds in a column. */
export interface SideSummary {
  readonly rows: number
  /** Rows without a value. */
  readonly missing: number
  /** Rows with not-a-number or an infinity, which no statistic looks at; null where a profile counts them as missing. */
  readonly notFinite: number | null
  readonly numbers: NumberSummary | null
  readonly categories: CategorySummary | null
}

export interface NumberSummary {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly std: number
}

export interface CategorySummary {
  readonly distinct: number
  /** Those that the other side lacks: how many, the rows that have them, and some of them. Null is: not counted. */
  readonly alone: {
    readonly categories: number | null
    readonly rows: number | null
    readonly some: readonly string[]
  }
}

export interface StatisticReport {
  readonly statistic: string
  readonly value: number | null
  readonly p: number | null
  /** What the verdict compares with the threshold; `none` where the number is only told. */
  readonly decidesBy: 'value' | 'p' | 'none'
  readonly threshold: number | null
  /** The value to expect of two samples of these sizes that do not differ. */
  readonly noiseFloor: number | null
  readonly verdict: ColumnVerdict
  /** Why it does not apply. */
  readonly reason: string | null
}

/** The verdict on all columns together. */
export function spanReport(columns: readonly ColumnReport[], shareMax: number): SpanReport {
  const drifted = columns.filter(({ verdict }) => verdict === 'drifted')
  const compared = columns.filter(({ verdict }) => verdict !== 'not-applicable').length
  const share = compared === 0 ? 0 : drifted.length / compared
  return {
    verdict: compared === 0 ? 'not-applicable' : verdictOf(drifted.length > 0 && share >= shareMax),
    drifted: drifted.map(({ column }) => column),
    compared,
    share,
    shareMax,
    columns,
  }
}

export function verdictOf(hasDrifted: boolean): ColumnVerdict {
  return hasDrifted ? 'drifted' : 'steady'
}
