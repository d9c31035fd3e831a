import { sha256 } from '#base/digest'
import { printExactJson } from '#base/exact-json'
import {
  bytesOf,
  elementBytes,
  elementsOf,
  rowCount,
  rowsOf,
  type Tensor,
  type Value,
} from '../tensor.ts'

/** Bytes of one row of one column, beyond which the log keeps a digest in place of the values. */
export const LOGGED_BYTES_MAX = 64 * 1024
/** Elements of a list in JSON that take about as much. */
const ELEMENTS_MAX = LOGGED_BYTES_MAX / 8

/**
 * The value of each row as the log keeps it: a row that is too wide is named by its type, its shape and the digest of
 * its bytes. To write millions of numbers down would take longer than to answer.
 */
export function loggedRowsOf(tensor: Tensor): Value[] {
  const { type, shape, data } = tensor
  const tail = shape.slice(1)
  const width = elementsOf(tail)
  if (type === 'string' || Array.isArray(data)) {
    return width > ELEMENTS_MAX ? rowsOf(tensor).map(loggedValue) : rowsOf(tensor)
  }
  const rowBytes = width * elementBytes(type)
  if (rowBytes <= LOGGED_BYTES_MAX) return rowsOf(tensor)
  const bytes = bytesOf(data as Parameters<typeof bytesOf>[0])
  return Array.from({ length: rowCount(tensor) }, (_, row) => {
    const own = bytes.subarray(row * rowBytes, (row + 1) * rowBytes)
    return `${type}[${tail.join(',')}] sha256:${sha256(own)}`
  })
}

/** The same for a row that came as JSON. */
export function loggedCells(cells: readonly Value[]): readonly Value[] {
  return cells.some(Array.isArray) ? cells.map(loggedValue) : cells
}

function loggedValue(value: Value): Value {
  if (!Array.isArray(value)) return value
  const count = countIn(value)
  return count <= ELEMENTS_MAX ? value : `json[${count}] sha256:${sha256(printExactJson(value))}`
}

function countIn(value: Value): number {
  if (!Array.isArray(value)) return 1
  let count = 0
  for (const each of value) count += Array.isArray(each) ? countIn(each as Value) : 1
  return count
}
