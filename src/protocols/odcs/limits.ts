import { NONE, type Comparison, type Limit, type Unit } from '#contracts'
import { noSlips } from './slips.ts'
import type { Reader } from './words.ts'
import type { Place } from './yaml.ts'

const SINGLE: Readonly<Record<string, Comparison>> = {
  mustBe: '=',
  mustNotBe: '!=',
  mustBeGreaterThan: '>',
  mustBeGreaterOrEqualTo: '>=',
  // Earlier releases of the standard spelled them so.
  mustBeGreaterThanOrEqualTo: '>=',
  mustBeLessThan: '<',
  mustBeLessOrEqualTo: '<=',
  mustBeLessThanOrEqualTo: '<=',
}

const DOUBLE = { mustBeBetween: 'between', mustNotBeBetween: 'not-between' } as const

/** What a quality rule's number must be; `mustBe: true` is 1. Without an operator no row may be wrong, if that makes sense. */
export function limitOf(
  reader: Reader,
  rule: Place,
  { strict }: { strict: boolean },
): Limit | undefined {
  const unit: Unit = rule.at('unit')?.value === 'percent' ? 'percent' : 'rows'
  const named = rule
    .names()
    .filter((name) => Object.hasOwn(SINGLE, name) || Object.hasOwn(DOUBLE, name))
  noSlips(reader, rule, [
    ...Object.keys(SINGLE),
    ...Object.keys(DOUBLE),
    'metric',
    'unit',
    'severity',
  ])
  const [name] = named
  if (named.length > 1)
    return reader.fault(rule, `${named.join(' and ')} stand together; a rule has one of them`)
  if (name === undefined)
    return strict
      ? NONE
      : reader.fault(rule, 'it does not say what the number must be; add for example mustBe: 0')
  const place = rule.entry(name)
  if (Object.hasOwn(DOUBLE, name)) {
    const [low, high] = reader.list(place).map((item) => reader.number(item))
    if (low === undefined || high === undefined || low > high || reader.list(place).length !== 2)
      return reader.fault(place, 'it must be a list of two numbers, the smaller one first')
    return { operator: DOUBLE[name as keyof typeof DOUBLE], low, high, unit }
  }
  const value = typeof place.value === 'boolean' ? Number(place.value) : reader.number(place)
  if (value === undefined) return undefined
  return { operator: SINGLE[name] as Comparison, value, unit }
}
