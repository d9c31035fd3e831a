import { elementsOf, type PredictionAnswer, type Tensor } from '#inference'
import type { Scoring } from './forms.ts'

/**
 * The predictions of an answer, as MLflow's scoring server prints them: floats stay floats, so that a client in
 * Python gets none as `int`; NaN and infinities are bare tokens.
 */
export function outputsText(
  { outputs, rows, form }: PredictionAnswer,
  told: Scoring['answer'],
): string {
  const [first] = outputs
  const shown = form ?? (told === 'arrays' ? 'dict' : 'frame')
  if (shown === 'json') return first?.type === 'string' ? String(first.data[0]) : 'null'
  if (shown === 'array') return first === undefined ? '[]' : blockText(first)
  return shown === 'dict' ? columnsText(outputs) : recordsText(outputs, rows)
}

function columnsText(outputs: readonly Tensor[]): string {
  return `{${outputs.map((output) => `${JSON.stringify(output.name)}:${blockText(output)}`).join(',')}}`
}

/** A dictionary for each row. A value of the shape [1] is told as itself. */
function recordsText(outputs: readonly Tensor[], rows: number): string {
  const printed = outputs.map((output) => {
    const tail = output.shape.slice(1)
    const single = tail.length <= 1 && elementsOf(tail) === 1
    return {
      key: `${JSON.stringify(output.name)}:`,
      cell: elementText(output),
      tail: single ? [] : tail,
      width: elementsOf(tail),
    }
  })
  const records: string[] = []
  for (let row = 0; row < rows; row += 1)
    records.push(
      `{${printed.map(({ key, cell, tail, width }) => key + nestedText(cell, tail, row * width)).join(',')}}`,
    )
  return `[${records.join(',')}]`
}

/** Nested lists by the tensor's shape. */
function blockText(tensor: Tensor): string {
  return nestedText(elementText(tensor), tensor.shape, 0)
}

function nestedText(cell: (at: number) => string, shape: readonly number[], start: number): string {
  const [size, ...rest] = shape
  if (size === undefined) return cell(start)
  const width = elementsOf(rest)
  const parts: string[] = []
  for (let index = 0; index < size; index += 1)
    parts.push(nestedText(cell, rest, start + index * width))
  return `[${parts.join(',')}]`
}

/** Prints one element of a tensor. */
function elementText({ type, data, gaps }: Tensor): (at: number) => string {
  const texts = data as readonly string[]
  const numbers = data as Float64Array
  if (type === 'string')
    return (at) => (gaps?.[at] === 1 ? 'null' : JSON.stringify(texts[at] ?? ''))
  if (type === 'bool') return (at) => (numbers[at] === 0 ? 'false' : 'true')
  return type.startsWith('float') ? (at) => floatText(numbers[at] ?? 0) : (at) => String(data[at])
}

function floatText(value: number): string {
  if (!Number.isInteger(value)) return String(value)
  if (Object.is(value, -0)) return '-0.0'
  return Math.abs(value) < 1e16 ? `${value}.0` : String(value)
}
