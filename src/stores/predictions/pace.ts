/** What is put off takes no more than half of a processor, and so little of it while predictions need them all. */
const SHARE_MOST = 0.5
const SHARE_LEAST = 0.02
/** As many files of the journal may wait for quieter times, 512 MiB: whoever asks for what is in them waits for seconds. */
const FILES_WAITING_MAX = 8
/** However busy it is, the log is never further behind than that many milliseconds of rest between two pieces. */
const PAUSE_MS_MAX = 2000

/**
 * How long to rest after a piece that took `tookMs`: answers come first, and what they leave is taken over when there
 * is time, or when too much of it waits.
 */
export function restMs(
  tookMs: number,
  { spareProcessors, filesWaiting }: { spareProcessors: number; filesWaiting: number },
): number {
  const left = filesWaiting < FILES_WAITING_MAX ? spareProcessors : SHARE_MOST
  const share = Math.min(SHARE_MOST, Math.max(SHARE_LEAST, left))
  return Math.min(PAUSE_MS_MAX, Math.ceil(tookMs * (1 / share - 1)))
}
