import { isSlip } from '#contracts'
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
