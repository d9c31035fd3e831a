import type { Fact } from '#ledger'
import type { Replay } from './replay.ts'
import { summaryOf, type Report } from './report.ts'

export function replayRequested(replay: Replay): Fact {
  const { fromMs, toMs, limit } = replay.options
  return { type: 'replay-requested', data: { ...nameOf(replay), fromMs, toMs, limit } }
}

export function replayFinished(replay: Replay, report: Report): Fact {
  return { type: 'replay-finished', data: { ...nameOf(replay), ...summaryOf(report) } }
}

export function replayEnded(replay: Replay, how: 'failed' | 'cancelled', reason: string): Fact {
  return { type: `replay-${how}`, data: { ...nameOf(replay), reason } }
}

function nameOf({ id, endpoint, model, version }: Replay) {
  return { replay: id, endpoint, model, version }
}
