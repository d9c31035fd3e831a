export { decodeSketch, decodeSketches, encodeSketch, encodeSketches } from './codec.ts'
export type { NumberSketch, Weighted } from './numbers.ts'
export {
  categoricalCounts,
  distinctOf,
  isExact,
  missingIn,
  numbersIn,
  numericCounts,
  quantilesOf,
  rankErrorOf,
  summaryOf,
  type BinCounts,
  type ColumnSummary,
} from './reading.ts'
export {
  addNumbers,
  addTextCounts,
  addValue,
  addWeighted,
  emptySketch,
  mergeInto,
  merged,
  sketchOf,
  type ColumnSketch,
  type SketchValue,
} from './sketch.ts'
export type { TextSketch } from './texts.ts'
