import type { Logged } from '#inference'

export type Outputs = Readonly<Record<string, Logged>>

/** A value of a row or of its truth. */
type Told = Logged | bigint | undefined

/**
 * The one number of an answer that ranks rows: of a list, as classifiers give their probabilities, the last one;
 * else an output that is called a probability or score; else the last number.
 */
export function scoreOf(outputs: Outputs): number | undefined {
  const all = Object.entries(outputs)
  for (const [, value] of all) {
    const last = Array.isArray(value) ? (value.at(-1) as Logged) : undefined
    if (typeof last === 'number') return last
  }
  const numbers = all.filter((pair): pair is [string, number] => typeof pair[1] === 'number')
  const named = numbers.find(([name]) => /prob|score/i.test(name))
  return (named ?? numbers.at(-1))?.[1]
}

/** Truth as a class: 1, true, "1" and "true" are the event; undefined for what is not one of two classes. */
export function classOf(label: unknown): 0 | 1 | undefined {
  if (label === 1 || label === true || label === '1' || label === 'true') return 1
  if (label === 0 || label === false || label === '0' || label === 'false') return 0
  return undefined
}

/** A class by its name: 1, true, "1" and "true" are one class. */
export function classNameOf(value: Told): string | undefined {
  if (value === null || value === undefined || typeof value === 'object') return undefined
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined
  return String(classOf(value) ?? value)
}

/** An amount: a number, or a text that is one. */
export function amountOf(value: Told): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'string' && value.trim() === '') return undefined
  if (!['number', 'string', 'bigint'].includes(typeof value)) return undefined
  const amount = Number(value)
  return Number.isFinite(amount) ? amount : undefined
}

/** A list, or the text of one: truths are told as single values, so a list of labels comes as JSON. */
export function listOf(value: Told): readonly Logged[] | undefined {
  if (Array.isArray(value)) return value as readonly Logged[]
  if (typeof value !== 'string' || !value.startsWith('[')) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    return Array.isArray(parsed) ? (parsed as readonly Logged[]) : undefined
  } catch {
    return undefined
  }
}

/** The only list of an answer that holds just numbers. */
export function numbersIn(outputs: Outputs, said?: string): readonly number[] | undefined {
  const values = said === undefined ? Object.values(outputs) : [outputs[said]]
  return values.find(
    (value): value is readonly number[] =>
      Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number'),
  )
}

/** The output that names the class, if one does: the one that is said, else a text or truth value, else a whole number. */
export function classOutput(outputs: Outputs, said?: string): string | undefined {
  if (said !== undefined) return classNameOf(outputs[said])
  const entries = Object.entries(outputs)
  const named = entries.find(([, value]) => typeof value === 'string' || typeof value === 'boolean')
  const whole = entries.filter(([, value]) => Number.isInteger(value))
  const called = whole.find(([name]) => /label|class|predict/i.test(name))
  // A whole number beside a list of probabilities is a class; alone it may be.
  return classNameOf((named ?? called ?? whole.find(([name]) => !/prob|score/i.test(name)))?.[1])
}

/** The output that is an amount. */
export function amountOutput(outputs: Outputs, said?: string): number | undefined {
  if (said !== undefined) return amountOf(firstOf(outputs[said]))
  const entries = Object.entries(outputs)
    .map(([name, value]) => [name, firstOf(value)] as const)
    .filter(([, value]) => typeof value === 'number')
  const called = entries.find(([name]) => /predict|forecast|score/i.test(name))
  return amountOf((called ?? entries.at(-1))?.[1])
}

/** Of a list of one its one. */
function firstOf(value: Logged | undefined): Logged | undefined {
  return Array.isArray(value) && value.length === 1 ? (value[0] as Logged) : value
}
