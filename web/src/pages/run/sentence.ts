import type { SeriesWire } from '#protocols/api/runs-wire'
import { counted } from '#web/ui/format.ts'

const NUMBER = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false })

/** What a line says, in words: where it began, where it is, and its lowest and highest. */
export function sentenceOf(
  { key, values, steps, total, sampled }: SeriesWire,
  newest?: number | string,
): string {
  const points = values.flatMap((value, at) =>
    value === null ? [] : [{ value, step: steps[at] ?? 0 }],
  )
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return `${key} was never a number`
  if (points.length === 1) return `${key} is ${NUMBER.format(last.value)}`
  const lowest = points.reduce((least, each) => (each.value < least.value ? each : least))
  const highest = points.reduce((most, each) => (each.value > most.value ? each : most))
  const way = last.value < first.value ? 'fell' : last.value > first.value ? 'rose' : 'went'
  const at = (point: { value: number; step: number }) =>
    `${NUMBER.format(point.value)} at step ${point.step}`
  const ends = `lowest ${at(lowest)}, highest ${at(highest)}`
  // Of a sampled line the extremes are right, while its first and last points may be others.
  if (sampled)
    return `${key} is ${typeof newest === 'number' ? NUMBER.format(newest) : (newest ?? 'drawn')} after ${counted(total, 'point')}; ${ends}`
  return `${key} ${way} from ${NUMBER.format(first.value)} to ${NUMBER.format(last.value)} in ${counted(total, 'point')}; ${ends}`
}
