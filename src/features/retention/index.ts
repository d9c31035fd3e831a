export { createRetention, type Retention } from './retention.ts'
export type { Bin, Restored, Which } from './bin.ts'
export type { PlacedModels } from './collect.ts'
export { keepTrash } from './follow.ts'
export type { Hold } from './hold.ts'
export type { Dependents, Obstacle, Several } from './obstacle.ts'
export type { Preview } from './preview.ts'
export type { Referrer } from './referrers.ts'
export { shareObjects, type SharedObjects } from './sparing.ts'
export type {
  Collection,
  FigureOf,
  FileOf,
  RetentionReads,
  RetentionWrites,
  StorageFigures,
} from './store.ts'
export { KINDS, versionIn, type Kind, type Subject, type Thing } from './thing.ts'
export { subjectOf, type NewTrash, type TrashItem } from './trash.ts'
