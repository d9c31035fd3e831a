/** Taking over may be half of the time while processors are idle, and so little while predictions need them. */
const SHARE_IDLE = 0.5
const SHARE_BUSY = 0.02
/** Less than this of all processors' time is left over on a machine that is busy. */
const IDLE_MIN = 0.15
/** As many files of the journal may wait for quieter times, 128 MiB: whoever asks for what is in them waits for seconds. */
const FILES_WAITING_MAX = 2
/** However busy it is, the log is never further behind than that many milliseconds of rest between two pieces. */
const PAUSE_MS_MAX = 2000

/**
 * How long to rest after a piece that took `tookMs`: answers come first, and what they leave is taken over when there
 * is time, or when too much of it waits.
 */
export function restMs(
  tookMs: number,
  { idle, filesWaiting }: { idle: number; filesWaiting: number },
): number {
  const isBusy = idle < IDLE_MIN && filesWaiting < FILES_WAITING_MAX
  const share = isBusy ? SHARE_BUSY : SHARE_IDLE
  return Math.min(PAUSE_MS_MAX, Math.ceil(tookMs * (1 / share - 1)))
}
