export { createElsewhere, type Elsewhere } from './elsewhere.ts'
export type {
  DatasetEvent,
  Facets,
  JobEvent,
  Name,
  OutsideEvent,
  RunChange,
  RunEvent,
  TaggedName,
  UsedDataset,
} from './event.ts'
export { trackOutputs } from './follow.ts'
export { createHomes, type Homes } from './homes.ts'
export {
  datasetRef,
  externalRunRef,
  facetsOf,
  homeKey,
  keyOf,
  RUN_STATES,
  type EventNote,
  type Home,
  type OutsideDataset,
  type OutsideJob,
  type OutsideRun,
  type RunState,
  type Use,
} from './run.ts'
export type { OutsideReads, OutsideWrites } from './store.ts'
