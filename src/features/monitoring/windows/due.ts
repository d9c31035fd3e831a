import type { Clock } from '#base/clock'
import type { Endpoint, PredictionQueries } from '#serving'
import type { NewJob } from '#work'
import { countedLooks, countingOf } from './counting.ts'
import { monitorOf } from '../default-monitor.ts'
import { timingOf } from './plan.ts'
import { lateLooks } from './lateness.ts'
import { endsBy, reachedBy } from './plan.ts'
import type { MonitoringReads } from '../store.ts'
import type { Progress } from './window.ts'

export const EVALUATE_WINDOWS = 'evaluate-windows'

/** What a job is asked for: the windows of an endpoint that end by these times. */
export interface Ends {
  readonly endpoint: string
  readonly closedMs: number
  readonly settledMs: number
}

/** Gives the jobs that are not asked for yet: endpoints with windows that are over, or of which more came late. */
export function evaluationsDue(sources: {
  read: MonitoringReads
  predictions: PredictionQueries
  endpoints: () => Promise<readonly Endpoint[]>
  clock: Clock
}): () => Promise<{ jobs: NewJob[]; asked: () => void }> {
  const { read, predictions, endpoints, clock } = sources
  const known = new Set<string>()
  const looks = lateLooks(sources)
  const countedLook = countedLooks(sources)

  const dueAt = async (endpoint: Endpoint): Promise<NewJob | undefined> => {
    const { name } = endpoint
    const monitor = monitorOf(endpoint)
    const watermarkMs = await predictions.soFar.watermark(name)
    if (watermarkMs === null) return undefined
    const timing = timingOf(monitor)
    const done = await read.progress(name)
    const counting = countingOf(monitor)
    if (counting !== undefined) {
      const { settleMs } = timing
      const of = { endpoint: name, counting, progress: done, reachedMs: watermarkMs, settleMs }
      const found = await countedLook(of)
      const ends = { endpoint: name, closedMs: watermarkMs, settledMs: watermarkMs - settleMs }
      const asked = found && evaluationJob(ends, found.total)
      return asked === undefined || known.has(asked.key) ? undefined : asked
    }
    const pace = { watermarkMs, closedMs: done.closedMs }
    const reachedMs = reachedBy(pace, clock.nowMs(), {
      sizeMs: timing.sizeMs,
      arrival: monitor.window.by === undefined,
    })
    const ends = endsBy(reachedMs, timing)
    const isDue = isBehind(done, ends)
    const late = isDue ? undefined : await looks(name, monitor)
    const job = evaluationJob({ endpoint: name, ...ends }, late)
    return (isDue || late !== undefined) && !known.has(job.key) ? job : undefined
  }

  return async () => {
    const due = await Promise.all((await endpoints()).map(dueAt))
    const jobs = due.filter((job) => job !== undefined)
    const asked = () => {
      for (const { key } of jobs) known.add(key)
    }
    return { jobs, asked }
  }
}

function isBehind({ closedMs, settledMs }: Progress, ends: Omit<Ends, 'endpoint'>): boolean {
  return (closedMs ?? -Infinity) < ends.closedMs || (settledMs ?? -Infinity) < ends.settledMs
}

/** One that is asked for because something came late is another one each time. */
function evaluationJob(ends: Ends, lookedMs: number | undefined): NewJob {
  const { endpoint, closedMs, settledMs } = ends
  return {
    kind: EVALUATE_WINDOWS,
    key: [EVALUATE_WINDOWS, endpoint, closedMs, settledMs, lookedMs ?? []].flat().join(':'),
    payload: { endpoint, closedMs, settledMs },
  }
}
