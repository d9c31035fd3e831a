export { brier, calibrationInTheLarge, expectedCalibrationError, logLoss } from './calibration.ts'
export { benjaminiHochberg, chiSquareContingency } from './counts.ts'
export {
  aucOf,
  compareAucs,
  midranks,
  placements,
  type Auc,
  type AucComparison,
  type Label,
} from './ranking.ts'
export { wasserstein, type Atom } from './samples.ts'
