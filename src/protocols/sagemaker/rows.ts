import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
import { parseExactJson, printExactJson, type ExactJson } from '#base/exact-json'
import { messageOf, Problem } from '#base/problem'
import { rowsOf, type Described, type PredictionAnswer, type PredictionRequest } from '#inference'

/**
 * CSV as SageMaker's own containers take it: without a line of names, in the order of the model's columns. A first
 * line that has the name of a column is such a line nevertheless; `header` decides where it is sent.
 */
export function csvInput(
  bytes: Buffer,
  { columns, shape }: Pick<Described, 'columns' | 'shape'>,
  header: 'present' | 'absent' | undefined,
): PredictionRequest['input'] {
  const rows = csvIn(bytes)
  const [first] = rows
  if (first === undefined) throw new Problem('invalid', 'the body has no rows')
  const names = columns?.map(({ name }) => name) ?? shape.inputs.map(({ name }) => name)
  const isNamed =
    header === undefined ? first.some((cell) => names.includes(cell)) : header === 'present'
  if (isNamed) {
    if (rows.length === 1) throw new Problem('invalid', 'the body has names of columns and no rows')
    return { form: 'texts', columns: first, rows: rows.slice(1) }
  }
  // The one input of a model of numbers takes all columns.
  const isMatrix = columns === null && shape.inputs.length === 1
  const read = isMatrix ? first.map((_, index) => String(index)) : names
  const odd = rows.findIndex((row) => row.length !== read.length)
  if (odd >= 0)
    throw new Problem(
      'invalid',
      `row ${odd} has ${rows[odd]?.length} values, but the model takes ${read.length}: ${read.join(', ')}`,
    )
  return { form: 'texts', columns: read, rows }
}

function csvIn(bytes: Buffer): string[][] {
  if (!isUtf8(bytes)) throw new Problem('invalid', 'the body is not UTF-8')
  try {
    return parse(bytes, { bom: true, skip_empty_lines: true })
  } catch (error) {
    throw new Problem('invalid', `the body is not valid CSV: ${messageOf(error)}`)
  }
}

/** Lines of JSON, each a row: a record, a list, or `{"features": …}`; as the JSON of all rows. */
export function linesAsInstances(bytes: Buffer): Buffer {
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const rows = lines.map((line, index) => {
    let row: ExactJson
    try {
      row = parseExactJson(line)
    } catch (error) {
      throw new Problem('invalid', `line ${index + 1} is not valid JSON: ${messageOf(error)}`)
    }
    return hasFeatures(row) ? row['features'] : row
  })
  return Buffer.from(printExactJson({ instances: rows }))
}

function hasFeatures(row: ExactJson): row is { readonly features: ExactJson } {
  return (
    typeof row === 'object' &&
    row !== null &&
    !Array.isArray(row) &&
    Object.hasOwn(row, 'features') &&
    Object.keys(row).length === 1
  )
}

/** A line for each row, without names: what all outputs say, side by side. */
export function csvText({ outputs, rows }: PredictionAnswer): string {
  const values = outputs.map(rowsOf)
  return Array.from({ length: rows }, (_, row) =>
    values
      .flatMap((output) => flat((output[row] ?? null) as ExactJson))
      .map(csvCell)
      .join(','),
  )
    .map((line) => `${line}\n`)
    .join('')
}

/** A line for each row: a dictionary of its outputs. */
export function linesText({ outputs, rows }: PredictionAnswer): string {
  const named = outputs.map((output) => [output.name, rowsOf(output)] as const)
  return Array.from({ length: rows }, (_, row) =>
    printExactJson(Object.fromEntries(named.map(([name, values]) => [name, values[row] ?? null]))),
  )
    .map((line) => `${line}\n`)
    .join('')
}

function flat(value: ExactJson): ExactJson[] {
  return Array.isArray(value) ? (value as readonly ExactJson[]).flatMap(flat) : [value]
}

function csvCell(value: ExactJson): string {
  if (value === null) return ''
  const text = typeof value === 'string' ? value : printExactJson(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
