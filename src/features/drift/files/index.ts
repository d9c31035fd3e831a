export { compareTables, compareWithProfile, type DriftRequest } from './compare.ts'
export type { Tally } from './pair.ts'
export type { PairReader, SpanCounts, Spans, TableReader } from './reader.ts'
export {
  PRESETS,
  type ColumnReport,
  type DriftReport,
  type Preset,
  type SideSummary,
  type StatisticReport,
  type WindowReport,
} from './report.ts'
export { parseProfile, printProfile, PROFILE_MARK } from './stored.ts'
export { statisticNamed, statisticNames } from './statistics.ts'
export { isCategoricalType, isNumericType, tableProfile } from './table-profile.ts'
