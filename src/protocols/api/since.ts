import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { Since } from '#monitoring'
import { durationMs, durationPattern } from '#projects'

/** How far back is looked: a time, or as long as this before the newest window's end. */
export const SinceText = Type.String({
  maxLength: 40,
  examples: ['30d'],
  description: 'A time, as 2026-01-31T00:00:00Z, or how long before the newest window, as 30d.',
})

export function sinceIn(text: string): Since {
  if (new RegExp(durationPattern).test(text)) return { lastMs: durationMs(text) }
  const fromMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(fromMs)) return { fromMs }
  throw new Problem('invalid', `since ${text} is no time; write 30d, 12h or 2026-01-31`)
}
