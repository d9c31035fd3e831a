export { driftOf, type ComparedFeature, type DriftVerdict, type FeatureVerdict } from './drift.ts'
export {
  performanceOf,
  type Calibration,
  type MeasuredPerformance,
  type PerformanceVerdict,
} from './performance.ts'
export { persists, type Persistence } from './persistence.ts'
export {
  BIN_COUNT,
  CATEGORIES_MAX,
  countsOf,
  effectOf,
  emptyCounts,
  missingShare,
  plus,
  spreadOf,
  valuesOf,
  type CategoricalProfile,
  type ColumnProfile,
  type Counts,
  type NumericProfile,
  type Profile,
  type ProfileRequest,
  type ProfileTime,
  type Spread,
} from './profile.ts'
export {
  aucOf,
  compareAucs,
  type Auc,
  type AucComparison,
  type Label,
} from './statistics/ranking.ts'
