import type { Part } from './part.ts'
import { concept } from './concept.ts'
import { drift } from './drift.ts'
import { estimate, estimateScored } from './estimate.ts'
import { fairness } from './fairness.ts'
import { kpis } from './kpis.ts'
import { labels } from './labels.ts'
import { multivariate } from './multivariate.ts'
import { performance } from './performance.ts'
import { quality } from './quality.ts'
import { service } from './service.ts'
import { slices } from './slices.ts'
import { traffic } from './traffic.ts'

/** Everything that is found out about windows, in the order in which it is looked at. */
export const PARTS: readonly Part[] = [
  traffic,
  service,
  drift,
  quality,
  multivariate,
  estimate,
  labels,
  performance,
  concept,
  fairness,
  kpis,
  estimateScored,
  slices,
]
