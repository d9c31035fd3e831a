import { strictRule, type Limit, type Rule } from '#contracts'
import type { Names } from './names.ts'
import type { Reader } from './words.ts'
import type { Place } from './yaml.ts'

/** Which of its columns a promise of time is about, and which way. */
const PROMISES: Readonly<Record<string, { of: 'newest' | 'oldest' }>> = {
  freshness: { of: 'newest' },
  latency: { of: 'newest' },
  retention: { of: 'oldest' },
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
  w: 604_800,
  week: 604_800,
  weeks: 604_800,
  y: 31_557_600,
  yr: 31_557_600,
  year: 31_557_600,
  years: 31_557_600,
}

/** `slaProperties` that data can keep or break by itself: how new its newest value is, how old its oldest. */
export function serviceRules(
  reader: Reader,
  root: Place,
  names: Names,
): ReadonlyMap<string, readonly Rule[]> {
  const found = new Map<string, Rule[]>()
  for (const entry of reader.list(root.at('slaProperties'))) {
    const promise = PROMISES[String(entry.at('property')?.value)]
    // Without an element it is a promise about the service and not about a column.
    const element = reader.text(entry.at('element') ?? root.at('slaDefaultElement'))
    if (promise === undefined || element === undefined) continue
    const value = Number(entry.at('value')?.value)
    const seconds = UNIT_SECONDS[(reader.text(entry.at('unit')) ?? 'd').toLowerCase()]
    if (!Number.isFinite(value) || seconds === undefined) {
      reader.fault(entry, 'it needs a number as value and s, m, h, d, w or y as unit')
      continue
    }
    const at = element.lastIndexOf('.')
    const dataset = element.slice(0, Math.max(0, at))
    const column = names.get(dataset)?.get(element.slice(at + 1))
    if (column === undefined) {
      reader.fault(
        entry.entry('element'),
        `${element} is no property of this contract; write OBJECT.PROPERTY`,
      )
      continue
    }
    const limit: Limit = { operator: '<=', value: value * seconds, unit: 'rows' }
    const rule = strictRule(dataset, { kind: 'age', column, of: promise.of }, { limit })
    found.set(dataset, [...(found.get(dataset) ?? []), rule])
  }
  return found
}
