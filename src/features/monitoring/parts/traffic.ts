import type { Condition } from '../alerts/findings.ts'
import type { Part } from './part.ts'
import { windowRef, type Window } from '../windows/window.ts'

const DAY_MS = 86_400_000

/** An endpoint that is asked nothing is told of: silence looks like peace. */
export const traffic: Part = {
  kind: 'traffic',
  due: 'closed',
  judge: async (view) => {
    const { fromMs } = view.span
    const [day, week] = await Promise.all([view.at(fromMs - DAY_MS), view.at(fromMs - 7 * DAY_MS)])
    const before = { week: week?.predictions ?? null, day: day?.predictions ?? null }
    const isAsked = (await view.answers()).some(({ rows }) => rows > 0)
    return { traffic: { state: isAsked ? 'asked' : 'silent', before } }
  },
  lookback: () => USUAL,
  conditions: (window, earlier, monitor) => [conditionOf(window, earlier, monitor.min_samples)],
  finding: (window, { detail }, { task }) => ({
    type: 'endpoint-fell-silent',
    data: { endpoint: window.endpoint, window: windowRef(window).id, detail },
    eventMs: task.dueMs,
  }),
}

/** Windows that say what is usual. */
const USUAL = 5

/**
 * Nobody asked although somebody did in each of the windows before, and in the same window a week ago: an endpoint
 * that rests at night or on Sundays is not told of once it has rested before.
 */
function conditionOf(window: Window, earlier: readonly Window[], samplesMin: number): Condition {
  const found = window.traffic
  if (found === undefined) return { state: 'open', subject: '' }
  if (found.state === 'asked') return { state: 'over', subject: '' }
  const { week, day } = found.before
  const hasRested = week === 0 || (day === 0 && week === null)
  const asked = earlier.filter(({ predictions }) => predictions > 0).slice(-USUAL)
  const isUsual =
    asked.length === USUAL && asked.every(({ predictions }) => predictions >= samplesMin)
  if (hasRested || !isUsual) return { state: 'open', subject: '' }
  const least = Math.min(...asked.map(({ predictions }) => predictions))
  const detail = `nobody asked; the ${USUAL} windows before had at least ${least} predictions each`
  return { state: 'holds', subject: '', severity: 'critical', detail }
}
