export { calibrationInTheLarge } from './calibration.ts'
export { openHistogramOf, quantileEdges } from './binnings/edges.ts'
export {
  evidentlyHellingerShares,
  evidentlyShares,
  filledAsEvidently,
} from './binnings/evidently.ts'
export { tfdvBuckets, tfdvJensenShannon, type Buckets } from './binnings/tfdv.ts'
export { benjaminiHochberg } from './counts/discoveries.ts'
export { fisherExact } from './counts/fisher.ts'
export { twoProportions, wilson } from './counts/shares.ts'
export {
  chiSquareContingency,
  chiSquareGoodness,
  gContingency,
  gGoodness,
  type TableTest,
} from './counts/tables.ts'
export * as noise from './distances/noise.ts'
export {
  hellingerDistance,
  jensenShannonDistance,
  kullbackLeibler,
  largestShareDifference,
  normalizedAbsoluteDifference,
  populationStability,
  sharesOf,
  totalVariationDistance,
  type SharePair,
} from './distances/shares.ts'
export { chiSquareSf, normalQuantile, normalSf } from './distributions.ts'
export {
  aucOf,
  compareAucs,
  midranks,
  placements,
  type Auc,
  type AucComparison,
  type Label,
} from './ranking.ts'
export { wasserstein, type Atom } from './samples/atoms.ts'
export { eppsSingleton } from './samples/characteristic.ts'
export { energyDistance, wassersteinOf } from './samples/distances.ts'
export { kolmogorovSmirnov, type TestResult } from './samples/kolmogorov.ts'
export { studentT, welchT } from './samples/means.ts'
export { andersonDarling, cramerVonMises, mannWhitney, type Alternative } from './samples/ranks.ts'
export { type Sample } from './samples/sample.ts'
// Trees are ours: npm has no boosted trees that are kept up, and bagged ones (ml-random-forest) sort every column anew at every node.
export {
  boostedAnswers,
  boostRegression,
  type BoostedTrees,
  type BoostOptions,
} from './trees/boost.ts'
export { type TreeColumn } from './trees/bins.ts'
export { adwin } from './streams/adwin.ts'
export { type Detector, type Said, type Signal } from './streams/detector.ts'
export { ddm, eddm, fhddm } from './streams/errors.ts'
export { hddmA, hddmW } from './streams/hoeffding.ts'
export { kswin } from './streams/kswin.ts'
export { pageHinkley } from './streams/page-hinkley.ts'
export { type Column } from './rows/column.ts'
export { toldApart, type ToldApart } from './rows/domain-classifier.ts'
export { maximumMeanDiscrepancy, type Points } from './rows/kernel.ts'
export {
  learnReconstruction,
  reconstructionDistances,
  type Reconstruction,
} from './rows/reconstruction.ts'
export { textDescriptors, textDomainClassifier, type TextDescriptors } from './rows/text.ts'
