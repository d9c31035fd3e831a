import type { MetricColumns } from './metric-block.ts'

// The points of a series stand in the order of its history: by time, step, value, and NaN as a 0 after 0.
// No two are alike in all of these.

type Point = readonly [atMs: number, step: number, value: number, isNan: number]

export function pointAt({ atMs, step, value }: MetricColumns, place: number): Point {
  const given = at(value, place)
  return Number.isNaN(given)
    ? [at(atMs, place), at(step, place), 0, 1]
    : [at(atMs, place), at(step, place), given, 0]
}

/** Negative when the first comes earlier in a history, 0 when they are one point. */
export function compared(a: readonly number[], b: readonly number[]): number {
  for (let part = 0; part < 4; part++) {
    const difference = comparedNumbers(a[part] as number, b[part] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** All points of the parts, in the order of a history, each once. */
export function merged(parts: readonly MetricColumns[]): MetricColumns {
  const all: MetricColumns = {
    atMs: joined(parts.map(({ atMs }) => atMs)),
    step: joined(parts.map(({ step }) => step)),
    value: joined(parts.map(({ value }) => value)),
  }
  return inOrder(all) ? all : sortedOnce(all)
}

/** The places of the points along the steps, and of one step by time and value. */
export function alongSteps({ step }: MetricColumns): Uint32Array {
  const places = placesOf(step)
  let rises = true
  for (let nth = 1; rises && nth < step.length; nth++) rises = at(step, nth - 1) <= at(step, nth)
  if (rises) return places
  // Equal steps keep their order, which is that of time and value.
  return places.toSorted((a, b) => comparedNumbers(at(step, a), at(step, b)) || a - b)
}

/** The places of all points, in their order. */
export function placesOf({ length }: Float64Array): Uint32Array {
  // Written out, for a million of them take a hundred times as long through a function each.
  const places = new Uint32Array(length)
  for (let place = 0; place < length; place++) places[place] = place
  return places
}

/** Those of the places whose number lies in a span; the numbers rise from place to place. */
export function within(
  places: Uint32Array,
  along: Float64Array,
  span: { readonly first: number; readonly last: number },
): Uint32Array {
  let [start, end] = [0, places.length]
  while (start < end && at(along, places[start] as number) < span.first) start += 1
  while (end > start && at(along, places[end - 1] as number) > span.last) end -= 1
  return places.subarray(start, end)
}

function at(numbers: Float64Array, place: number): number {
  return numbers[place] as number
}

function comparedNumbers(a: number, b: number): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function inOrder(all: MetricColumns): boolean {
  const { atMs, step } = all
  for (let place = 1; place < atMs.length; place++) {
    if (at(atMs, place - 1) < at(atMs, place)) continue
    if (at(atMs, place - 1) > at(atMs, place)) return false
    if (at(step, place - 1) < at(step, place)) continue
    if (compared(pointAt(all, place - 1), pointAt(all, place)) >= 0) return false
  }
  return true
}

function sortedOnce(all: MetricColumns): MetricColumns {
  const places = placesOf(all.atMs).toSorted((a, b) => compared(pointAt(all, a), pointAt(all, b)))
  const once = places.filter((place, nth) => {
    const before = places[nth - 1]
    return before === undefined || compared(pointAt(all, before), pointAt(all, place)) !== 0
  })
  const taken = (numbers: Float64Array) => Float64Array.from(once, (place) => at(numbers, place))
  return { atMs: taken(all.atMs), step: taken(all.step), value: taken(all.value) }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const part of parts) {
    whole.set(part, end)
    end += part.length
  }
  return whole
}
