import type { MonitorWire, OverviewWire, WindowWire } from '#protocols/api/overview-wire'
import { count, counted, day, percent, score } from '#web/ui/format.ts'

/** The loop in a sentence or two, for those who read nothing else. */
export function headlineOf(overview: OverviewWire): string {
  const { champion, datasets, endpoints, policyRuns, monitors } = overview
  if (champion === null && datasets.length === 0 && endpoints.length === 0)
    return 'Nothing has happened yet. Each station tells the command that sets it going.'
  const parts = [
    champion === null
      ? 'No version is champion yet.'
      : `${champion.model} v${champion.version} is champion since ${day(champion.event ?? champion.since)}.`,
  ]
  const predictions = monitors
    .flatMap(({ windows }) => windows)
    .reduce((sum, window) => sum + window.predictions, 0)
  if (predictions > 0) parts.push(`${count(predictions)} predictions have been judged.`)
  const [last] = policyRuns
  if (last !== undefined) parts.push(policySentence(last))
  return parts.join(' ')
}

function policySentence(run: OverviewWire['policyRuns'][number]): string {
  const candidate = run.version === null ? 'a candidate' : `v${run.version}`
  const last = `The last retraining, on ${day(run.event ?? run.fired)},`
  const sentences: Readonly<Record<typeof run.state, string>> = {
    retraining: `${run.policy} is retraining now.`,
    checking: `${candidate} is being checked now.`,
    promoted: `${last} gave ${candidate}, which was promoted.`,
    refused: `${last} gave ${candidate}, which was refused.`,
    failed: `${last} failed.`,
    cancelled: `${last} was cancelled.`,
    finished: `${last} changed nothing.`,
  }
  return sentences[run.state]
}

/** What the performance chart shows, in a sentence. */
export function performanceSentence(windows: readonly WindowWire[], limit: number | null): string {
  const scored = windows.filter(
    (window): window is WindowWire & { auc: number } => window.auc !== null,
  )
  const last = scored.at(-1)
  if (last === undefined) return 'No window has enough labels for an AUC yet.'
  const values = scored.map(({ auc }) => auc)
  const interval =
    last.low === null || last.high === null
      ? ''
      : ` (95 % interval ${score(last.low)} to ${score(last.high)})`
  const below = limit === null ? 0 : values.filter((auc) => auc < limit).length
  const under =
    limit === null
      ? ''
      : ` It was below ${limit} in ${below} of ${counted(values.length, 'window')}.`
  return `AUC went between ${score(Math.min(...values))} and ${score(Math.max(...values))} and was ${score(last.auc)}${interval} on ${day(last.start)}.${under}`
}

/** What the drift chart shows, in a sentence. */
export function driftSentence(windows: readonly WindowWire[], limit: number | null): string {
  const judged = windows.filter(
    (window): window is WindowWire & { driftShare: number } => window.driftShare !== null,
  )
  const last = judged.at(-1)
  if (last === undefined) return 'No window has been compared with the training data yet.'
  const over = limit === null ? 0 : judged.filter(({ driftShare }) => driftShare >= limit).length
  const above =
    limit === null
      ? ''
      : ` At least ${percent(limit)} had drifted in ${over} of ${counted(judged.length, 'window')}.`
  return `${percent(last.driftShare)} of the features had drifted on ${day(last.start)}.${above}`
}

/** The windows of the last `days` days of the newest window, or all of them. */
export function latestWindows(
  monitor: MonitorWire | undefined,
  days: number | null,
): readonly WindowWire[] {
  const windows = monitor?.windows ?? []
  const last = windows.at(-1)
  if (last === undefined || days === null) return windows
  const from = Date.parse(last.end) - days * 86_400_000
  return windows.filter((window) => Date.parse(window.start) >= from)
}
