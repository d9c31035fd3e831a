import type { Reader } from './words.ts'
import type { Place } from './yaml.ts'

/**
 * Keys that are no rules are left alone, as the standard has many and may have more. One that is a rule's but for a
 * slip of the pen would be left alone as well, and the rule with it, so it is a fault.
 */
export function noSlips(reader: Reader, place: Place, keys: readonly string[]): void {
  for (const name of place.names()) {
    if (keys.includes(name)) continue
    const meant = keys.find((key) => isSlip(name, key))
    if (meant !== undefined)
      reader.fault(place.entry(name), `it is no key of the standard; write ${meant}`)
  }
}

/** Of short keys many are near to one another. */
const SHORT_CHARACTERS = 5

function isSlip(written: string, key: string): boolean {
  if (written.toLowerCase() === key.toLowerCase()) return true
  const most = key.length <= SHORT_CHARACTERS ? 1 : 2
  return Math.abs(written.length - key.length) <= most && distance(written, key) <= most
}

/** How many letters have to come, go or change to make one word of another. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [index, letter] of one.split('').entries()) {
    const next = [index + 1]
    for (const [at, wanted] of other.split('').entries())
      next.push(
        Math.min(
          (row[at] as number) + (letter === wanted ? 0 : 1),
          (row[at + 1] as number) + 1,
          (next[at] as number) + 1,
        ),
      )
    row = next
  }
  return row.at(-1) as number
}
