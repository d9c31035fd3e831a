import type { Floats, LoggedRevision, MatrixBatch } from '#inference'
import type { Reader, Sink } from './bytes.ts'
import { FLOATS, NUMBERS } from './marks.ts'

/** Writes numbers as they lie in memory: a copy, and no walk over them. */
export function writeFloats(to: Sink, values: Floats): void {
  to.byte(values instanceof Float32Array ? FLOATS : NUMBERS)
  to.raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

function floatsIn(from: Reader, count: number): Floats {
  const begin = from.byte()
  if (begin === FLOATS) return new Float32Array(from.copied(4 * count))
  if (begin === NUMBERS) return new Float64Array(from.copied(8 * count))
  throw new Error(`a matrix of the journal begins with the unknown byte ${begin}`)
}

/** How names are read that come again and again. */
export interface NameReaders {
  readonly columnsOf: (bytes: Buffer) => unknown
  readonly revisionOf: (bytes: Buffer) => unknown
}

export type MatrixHead = Omit<MatrixBatch, 'matrix' | 'outputs'>

/** What a record of a matrix says before its numbers; its mark has been read. */
export function matrixHeadIn(from: Reader, { columnsOf, revisionOf }: NameReaders): MatrixHead {
  return {
    id: from.text(),
    endpoint: from.text(),
    atMs: from.double(),
    latencyMs: from.double(),
    columns: columnsOf(from.bytes()) as readonly string[],
    revision: revisionOf(from.bytes()) as LoggedRevision,
    rows: from.count(),
  }
}

export function matrixIn(from: Reader, names: NameReaders): MatrixBatch {
  const head = matrixHeadIn(from, names)
  const { columns, revision, rows } = head
  return {
    ...head,
    matrix: floatsIn(from, rows * columns.length),
    outputs: revision.outputs.map(() => floatsIn(from, rows)),
  }
}
