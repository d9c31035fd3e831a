import { Problem } from '#base/problem'
import type { KeyValue } from '#tracking'

/** A map of texts. Throws `invalid` for anything else. */
export function mapIn(map: unknown, name: string, keyCharsMax: number): KeyValue[] {
  if (map === undefined) return []
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw wrong(map, name)
  return Object.entries(map).map(([key, value]) => {
    if (typeof value !== 'string') throw wrong(value, `${name}.${key}`)
    if (key.length > keyCharsMax)
      throw new Problem(
        'invalid',
        `a key of ${name} has ${key.length} characters; the limit is ${keyCharsMax}`,
      )
    if (key.includes('\0') || value.includes('\0'))
      throw new Problem(
        'invalid',
        `${name} holds the character NUL, which no store keeps; leave it out`,
      )
    return { key, value }
  })
}

/** A moment as protobuf's JSON tells it. */
export function timeIn(time: unknown, name: string): number | undefined {
  if (time === undefined) return undefined
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (Number.isNaN(ms)) throw wrong(time, name)
  return ms
}

/** RFC 3339, with as many thousandths as protobuf's JSON has: none or three. */
export function timeToWire(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

export function wrong(value: unknown, name: string): Problem {
  return new Problem(
    'invalid',
    `Invalid value ${JSON.stringify(value)?.slice(0, 200)} for parameter '${name}' supplied`,
  )
}
