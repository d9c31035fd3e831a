export type { Counted, ProcessCounted } from './counted.ts'
export { joined, type UsageHour } from './hour.ts'
export type { UsageReads, UsageWrites } from './store.ts'
export { createUsage, type Usage } from './usage.ts'
