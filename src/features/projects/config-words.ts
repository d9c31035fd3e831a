import { Type } from 'typebox'

/** Words that all parts of `orrery.yaml` are written with. */
export const durationPattern = '^[0-9]+(ms|s|m|h|d|w)$'

export const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$', maxLength: 100 })

export const strict = { additionalProperties: false } as const

export const exactlyOne = { ...strict, minProperties: 1, maxProperties: 1 } as const

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** `12h` in milliseconds. The text has passed `durationPattern`. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d|w)$/.exec(text) ?? []
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
}
