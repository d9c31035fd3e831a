import { setImmediate } from 'node:timers/promises'
import type { PredictionQueries, PredictionRow } from '#serving'

/** So many rows are read before others have their turn: a few milliseconds. */
const TURN_ROWS = 500

const HOUR_MS = 3_600_000

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The live predictions of a span, in the order of event time. The log is asked for short spans rather than for page
 * after page of a long one, since it has to look through all of a span to find a page of it.
 */
export async function* liveRows(
  predictions: Pick<PredictionQueries, 'window' | 'summaries'>,
  endpoint: string,
  span: Span,
): AsyncGenerator<readonly PredictionRow[]> {
  const fromMs = Math.floor(span.fromMs / HOUR_MS) * HOUR_MS
  const toMs = Math.ceil(span.toMs / HOUR_MS) * HOUR_MS
  const hours = await predictions.summaries(endpoint, {
    ...(Number.isFinite(fromMs) ? { fromMs } : {}),
    ...(Number.isFinite(toMs) ? { toMs } : {}),
    per: HOUR_MS,
  })
  for (const part of shortSpans(hours, span)) {
    let after: string | undefined
    do {
      const page = await predictions.window(endpoint, {
        ...part,
        role: 'live',
        limit: TURN_ROWS,
        ...(after === undefined ? {} : { after }),
      })
      yield page.rows
      after = page.next ?? undefined
      await setImmediate()
    } while (after !== undefined)
  }
}

/** Spans of about as many rows as a turn has: hours with more are cut into even parts, hours with fewer put together. */
function shortSpans(
  hours: readonly { readonly startMs: number; readonly predictions: number }[],
  { fromMs, toMs }: Span,
): Span[] {
  const spans: Span[] = []
  let open: { fromMs: number; toMs: number; rows: number } | undefined
  const close = () => {
    if (open !== undefined) spans.push({ fromMs: open.fromMs, toMs: open.toMs })
    open = undefined
  }
  for (const { startMs, predictions } of hours) {
    if (predictions === 0) continue
    const parts = Math.min(HOUR_MS, Math.ceil(predictions / TURN_ROWS))
    if (parts > 1 || (open?.rows ?? 0) + predictions > TURN_ROWS) close()
    if (parts === 1) {
      open ??= { fromMs: startMs, toMs: startMs, rows: 0 }
      open.toMs = startMs + HOUR_MS
      open.rows += predictions
      continue
    }
    const at = (part: number) => startMs + Math.floor((part * HOUR_MS) / parts)
    for (let part = 0; part < parts; part++) spans.push({ fromMs: at(part), toMs: at(part + 1) })
  }
  close()
  return spans
    .map((span) => ({ fromMs: Math.max(fromMs, span.fromMs), toMs: Math.min(toMs, span.toMs) }))
    .filter((span) => span.fromMs < span.toMs)
}
