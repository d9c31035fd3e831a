import { printExactJson } from '#base/exact-json'
import { rowsOf, type PredictionAnswer, type Value } from '#inference'
import type { Asked } from './request.ts'

/** An answer's body, and whether it is JSON: texts go out as they are, as those of a handler do. */
export function answerText(
  answer: PredictionAnswer,
  asked: Asked['answer'],
): { text: string; isJson: boolean } {
  if (answer.form === 'json')
    return { text: String(answer.outputs[0]?.data[0] ?? 'null'), isJson: true }
  const rows = rowsIn(answer)
  if (asked === 'predictions') return { text: pretty({ predictions: rows }), isJson: true }
  if (asked === 'rows') return { text: pretty(rows), isJson: true }
  const [row = null] = rows
  return typeof row === 'string'
    ? { text: row, isJson: false }
    : { text: pretty(row), isJson: true }
}

type Row = Value | Readonly<Record<string, Value>>

/** Each row's one output, or all of them by name. */
function rowsIn({ outputs, rows }: PredictionAnswer): Row[] {
  const [only, ...more] = outputs
  if (only !== undefined && more.length === 0) return rowsOf(only)
  const columns = outputs.map((output) => [output.name, rowsOf(output)] as const)
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row] ?? null])),
  )
}

/** JSON as Python writes it with an indent of two, with its tokens for what is no finite number. */
function pretty(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return printExactJson(value)
  const inner = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((each) => pretty(each, inner))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pretty(each, inner)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (parts.length === 0) return `${open}${close}`
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`
}
