export { createLineage, type Lineage, type Station, type Walk } from './lineage.ts'
