import type { BatchOutline, LoggedRevision, MatrixBatch, NumericBatch } from '#inference'
import { batchHeadIn, optionalTextIn } from './batch-head.ts'
import { reader, type Reader } from './bytes.ts'
import {
  BATCH,
  FALSE,
  INTEGER,
  LIST,
  LONG_INTEGER,
  MATRIX,
  NULL,
  NUMBER,
  NUMBERS,
  TEXT,
  TRUE,
} from './marks.ts'
import { matrixHeadIn, matrixIn, type MatrixHead } from './matrix.ts'
import { parsedOnce } from './parsed-once.ts'

/** Reads of a record of a batch only what is wanted, without an object for each of its rows and values. */
export function skimmer() {
  const columnsOf = parsedOnce()
  const revisionOf = parsedOnce()
  return {
    outline: (record: Buffer): BatchOutline => {
      const from = reader(record)
      if (isMatrix(from)) return outlineOf(matrixHeadIn(from, { columnsOf, revisionOf }))
      const head = batchHeadIn(from, columnsOf)
      const rows: { eventMs: number; key: string | null }[] = []
      for (let left = from.count(); left > 0; left--) {
        rows.push({ eventMs: from.double(), key: optionalTextIn(from) })
        skipList(from)
      }
      const answers: { revision: LoggedRevision }[] = []
      for (let left = from.count(); left > 0; left--) {
        answers.push({ revision: revisionOf(from.bytes()) as LoggedRevision })
        for (let outputs = from.count(); outputs > 0; outputs--) skipList(from)
      }
      return { ...head, rows, answers }
    },
    numbers: (record: Buffer): NumericBatch | undefined => {
      const from = reader(record)
      if (isMatrix(from)) return numbersOf(matrixIn(from, { columnsOf, revisionOf }))
      const { digest, form, ...head } = batchHeadIn(from, columnsOf)
      if (digest !== null || form !== undefined) return undefined
      const rows = from.count()
      const inputs = inputsIn(from, rows, head.columns.length)
      if (inputs === undefined || from.count() !== 1) return undefined
      const revision = revisionOf(from.bytes()) as LoggedRevision
      const outputs = outputsIn(from, rows, revision.outputs.length)
      return outputs && { ...head, revision, rows, inputs, outputs }
    },
  }
}

function isMatrix(from: Reader): boolean {
  const kind = from.byte()
  if (kind !== BATCH && kind !== MATRIX) throw new Error('what was kept of a batch is not a batch')
  return kind === MATRIX
}

function outlineOf({ revision, rows, ...head }: MatrixHead): BatchOutline {
  const row = { eventMs: head.atMs, key: null }
  const outlines = Array.from({ length: rows }, () => row)
  return { ...head, digest: null, rows: outlines, answers: [{ revision }] }
}

function numbersOf({ matrix, outputs, ...head }: MatrixBatch): NumericBatch {
  const { atMs, rows, columns } = head
  const stride = columns.length + 1
  const inputs = new Float64Array(rows * stride)
  for (let to = 0, from = 0; to < inputs.length;) {
    inputs[to++] = atMs
    for (const end = from + stride - 1; from < end; from++) inputs[to++] = matrix[from] as number
  }
  const answers = new Float64Array(rows * outputs.length)
  for (const [index, output] of outputs.entries()) answers.set(output, index * rows)
  return { ...head, inputs, outputs: answers }
}

function inputsIn(from: Reader, rows: number, width: number): Float64Array | undefined {
  const stride = width + 1
  const inputs = new Float64Array(rows * stride)
  for (let row = 0; row < rows; row++) {
    inputs[row * stride] = from.double()
    if (from.byte() !== NULL || from.byte() !== NUMBERS) return undefined
    const place = { at: row * stride + 1, stride: 1, count: width }
    if (from.doublesInto(inputs, place) !== width) return undefined
  }
  return inputs
}

function outputsIn(from: Reader, rows: number, width: number): Float64Array | undefined {
  if (from.count() !== width) return undefined
  const outputs = new Float64Array(rows * width)
  for (let output = 0; output < width; output++) {
    const place = { at: output * rows, stride: 1, count: rows }
    if (from.byte() !== NUMBERS || from.doublesInto(outputs, place) !== rows) return undefined
  }
  return outputs
}

function skipList(from: Reader): void {
  if (from.byte() === NUMBERS) from.skip(8 * from.count())
  else for (let left = from.count(); left > 0; left--) skipValue(from)
}

function skipValue(from: Reader): void {
  const begin = from.byte()
  if (begin === NUMBER || begin === INTEGER) from.skip(8)
  else if (begin === TEXT || begin === LONG_INTEGER) from.text()
  else if (begin === NUMBERS) from.skip(8 * from.count())
  else if (begin === LIST) for (let left = from.count(); left > 0; left--) skipValue(from)
  else if (begin !== NULL && begin !== TRUE && begin !== FALSE)
    throw new Error(`a value of the journal begins with the unknown byte ${begin}`)
}
