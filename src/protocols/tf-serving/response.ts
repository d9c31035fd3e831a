import { numberOfHalf } from '#base/half'
import { Problem } from '#base/problem'
import { elementsOf, type PredictionAnswer, type ScoredClass, type Tensor } from '#inference'
import type { PredictRequest } from './request.ts'

/** Outputs whose names end so hold bytes, which JSON carries in base64. */
const BYTES_SUFFIX = '_bytes'

/** The body of a prediction's answer: rows are answered by rows, inputs by outputs. */
export function predictionText(answer: PredictionAnswer, form: PredictRequest['form']): string {
  const key = form === 'row' ? 'predictions' : 'outputs'
  if (answer.form === 'json') return `{"${key}": ${String(answer.outputs[0]?.data[0] ?? 'null')}}`
  return `{"${key}": ${form === 'row' ? rowsText(answer.outputs) : columnsText(answer.outputs)}}`
}

function rowsText(outputs: readonly Tensor[]): string {
  const [only, ...more] = outputs
  if (only !== undefined && more.length === 0) return tensorText(only)
  const counts = outputs.map(({ shape }) => shape[0])
  const count = counts[0]
  if (count === undefined || counts.some((each) => each !== count))
    throw new Problem(
      'invalid',
      `the outputs ${outputs.map(({ name }) => name).join(', ')} have different numbers of rows, so they cannot be answered row by row; send 'inputs' instead of 'instances'`,
    )
  const rows = Array.from({ length: count }, (_, row) => {
    const parts = outputs.map((each) => `${JSON.stringify(each.name)}: ${rowText(each, row)}`)
    return `{${parts.join(', ')}}`
  })
  return `[${rows.join(', ')}]`
}

function columnsText(outputs: readonly Tensor[]): string {
  const [only, ...more] = outputs
  if (only !== undefined && more.length === 0) return tensorText(only)
  const parts = outputs.map((each) => `${JSON.stringify(each.name)}: ${tensorText(each)}`)
  return `{${parts.join(', ')}}`
}

function tensorText(tensor: Tensor): string {
  return nestedText(tensor, elementText(tensor), { rank: 0, start: 0 })
}

function rowText(tensor: Tensor, row: number): string {
  const start = row * elementsOf(tensor.shape.slice(1))
  return nestedText(tensor, elementText(tensor), { rank: 1, start })
}

function nestedText(
  tensor: Tensor,
  element: (index: number) => string,
  at: { rank: number; start: number },
): string {
  const size = tensor.shape[at.rank]
  if (size === undefined) return element(at.start)
  const rank = at.rank + 1
  const width = elementsOf(tensor.shape.slice(rank))
  const parts: string[] = []
  for (let index = 0; index < size; index++) {
    const start = at.start + index * width
    parts.push(
      rank === tensor.shape.length ? element(start) : nestedText(tensor, element, { rank, start }),
    )
  }
  return `[${parts.join(', ')}]`
}

/** How the elements of a tensor are written: whole numbers with all their digits, floats always told from them. */
function elementText({ name, type, data, gaps }: Tensor): (index: number) => string {
  if (gaps !== undefined) {
    const present = elementText({ name, type, data, shape: [] })
    return (index) => (gaps[index] === 1 ? 'null' : present(index))
  }
  if (type === 'string')
    return name.endsWith(BYTES_SUFFIX)
      ? (index) => `{"b64": "${Buffer.from(String(data[index])).toString('base64')}"}`
      : (index) => JSON.stringify(data[index])
  if (type === 'bool') return (index) => String(data[index] !== 0)
  if (type === 'float64') return (index) => decimal(Number(data[index]))
  if (type === 'float32') return (index) => decimal(shortest(Number(data[index])))
  if (type === 'float16') return (index) => decimal(shortest(numberOfHalf(Number(data[index]))))
  return (index) => String(data[index])
}

/** The shortest decimal that is the same number in 32 bits: 0.2, and not 0.20000000298023224. */
function shortest(value: number): number {
  for (const digits of [7, 8]) {
    const rounded = Number(value.toPrecision(digits))
    if (Object.is(Math.fround(rounded), value)) return rounded
  }
  return value
}

/** With the tokens NaN, Infinity and -Infinity, which TensorFlow Serving's clients read. */
function decimal(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isFinite(value) && !/[.e]/.test(text) ? `${text}.0` : text
}

/** The body of a classification's answer: for each row its classes, each with its score. */
export function classificationText(rows: readonly (readonly ScoredClass[])[]): string {
  const lists = rows.map(
    (classes) =>
      `[${classes.map(({ label, score }) => `[${JSON.stringify(label)}, ${decimal(shortest(score))}]`).join(', ')}]`,
  )
  return `{"results": [${lists.join(', ')}]}`
}

/** The body of a regression's answer: a number for each row. */
export function regressionText(values: readonly number[]): string {
  return `{"results": [${values.map((value) => decimal(shortest(value))).join(', ')}]}`
}
