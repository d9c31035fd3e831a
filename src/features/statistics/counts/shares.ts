import { invariant } from '#base/invariant'
import { normalQuantile, normalSf } from '../distributions.ts'

/** Two-sided z test that two shares are the same, with the pooled share's variance. */
export function twoProportions(
  one: { hits: number; of: number },
  other: { hits: number; of: number },
): { z: number; p: number } {
  const pooled = (one.hits + other.hits) / (one.of + other.of)
  const variance = pooled * (1 - pooled) * (1 / one.of + 1 / other.of)
  if (variance === 0) return { z: 0, p: 1 }
  const z = (one.hits / one.of - other.hits / other.of) / Math.sqrt(variance)
  return { z, p: Math.min(1, 2 * normalSf(Math.abs(z))) }
}

/** Wilson's interval of a share (1927). */
export function wilson(hits: number, of: number, confidence = 0.95): { low: number; high: number } {
  invariant(of > 0 && hits >= 0 && hits <= of, 'a share is of something')
  const z = normalQuantile(1 - (1 - confidence) / 2)
  const share = hits / of
  const centre = share + z ** 2 / (2 * of)
  const half = z * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))
  const scale = 1 + z ** 2 / of
  return {
    low: hits === 0 ? 0 : (centre - half) / scale,
    high: hits === of ? 1 : (centre + half) / scale,
  }
}
