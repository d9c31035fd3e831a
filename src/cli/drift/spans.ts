import { Problem } from '#base/problem'
import type { Spans } from '#drift'
import { durationMs, durationPattern } from '#projects'

/** The windows of a time column that the options of a command ask for. */
export function spansOf({
  by,
  window,
}: {
  by?: string | undefined
  window?: string | undefined
}): Spans | null {
  if (by === undefined) {
    if (window === undefined) return null
    throw new Problem('invalid', '--window needs --by, the column that holds the time of a row')
  }
  return { column: by, sizeMs: lengthOf(window ?? '1d') }
}

function lengthOf(window: string): number {
  const ms = new RegExp(durationPattern).test(window) ? durationMs(window) : 0
  if (ms === 0)
    throw new Problem('invalid', `--window takes a length such as 1h, 1d or 1w, and not ${window}`)
  return ms
}
