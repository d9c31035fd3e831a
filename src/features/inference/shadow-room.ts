import { performance } from 'node:perf_hooks'
import { idleShare } from '#base/idle-share'

/** So often it is seen how busy the machine is. */
const SPAN_MS = 250
/** So many requests of a span have their shadows asked whatever else there is to do: nobody notices what they cost. */
const ALWAYS = 5
/** Of the others at least this share, so that it shows when there is room again. */
const SHARE_MIN = 1 / 64
/** Less than this of all processors' time left over, or more of this process' own taken, and answers need it all. */
const IDLE_MIN = 0.1
const TAKEN_MAX = 0.9

/**
 * Whether there is room for shadows beside answers, request by request. While there is none their share is halved from span to
 * span, and grows again when there is: under load they have what answers leave.
 */
export function shadowRoom(
  draws: () => number,
  { isBusy = busyness(), nowMs = () => performance.now() } = {},
): () => boolean {
  let share = 1
  let count = 0
  let endsMs = nowMs() + SPAN_MS
  return () => {
    if (nowMs() >= endsMs) {
      share = isBusy() ? Math.max(SHARE_MIN, share / 2) : Math.min(1, share * 1.5)
      count = 0
      endsMs = nowMs() + SPAN_MS
    }
    count += 1
    return count <= ALWAYS || draws() < share
  }
}

/** Says of the time since it was asked before whether machine or process were busy. */
function busyness(): () => boolean {
  const idle = idleShare()
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return idle() < IDLE_MIN || utilization > TAKEN_MAX
  }
}
