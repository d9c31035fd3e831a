export { createLineage, STATIONS_MAX, type Lineage, type Station, type Walk } from './lineage.ts'
