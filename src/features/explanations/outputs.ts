import { isFloat, type ModelShape, type Value } from '#inference'
import { Problem } from '#base/problem'
import type { OutputColumn } from './model.ts'

/** More are not explained: a vector of thousands is no answer that a person reads. */
const OUTPUTS_MAX = 100

/**
 * The numbers of an answer that are explained: its floats, such as probabilities; whole numbers only where
 * there is nothing else, for classes are not amounts.
 */
export function outputColumns(
  shape: ModelShape,
  answer: Readonly<Record<string, Value>>,
): OutputColumn[] {
  const floats = new Set(shape.outputs.filter(({ type }) => isFloat(type)).map(({ name }) => name))
  const numeric = Object.keys(answer).filter(
    (name) => numbersIn(answer[name] ?? null) !== undefined,
  )
  const chosen = numeric.some((name) => floats.has(name))
    ? numeric.filter((name) => floats.has(name))
    : numeric
  const columns = chosen.flatMap((name) => columnsOf(name, numbersIn(answer[name] ?? null) ?? []))
  if (columns.length === 0)
    throw new Problem(
      'unsupported',
      'the model answers no numbers, so there is nothing to add up; export it with its probabilities or scores as an output',
    )
  if (columns.length > OUTPUTS_MAX)
    throw new Problem(
      'unsupported',
      `the model answers ${columns.length} numbers for each row, and up to ${OUTPUTS_MAX} are explained`,
    )
  return columns
}

function columnsOf(name: string, numbers: readonly number[]): OutputColumn[] {
  return numbers.map((_, index) => ({
    name: numbers.length === 1 ? name : `${name}[${index}]`,
    numberIn: (answer) => numbersIn(answer[name] ?? null)?.[index] ?? Number.NaN,
  }))
}

/** The numbers of a value, in their order; undefined when it holds anything else. */
function numbersIn(value: Value): number[] | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return [Number(value)]
  if (!Array.isArray(value)) return undefined
  const parts = (value as readonly Value[]).map(numbersIn)
  return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? [])
}
