import { freemem, loadavg, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '#base/clock'
import type { Histogram, LocalPlane, LoadedRevision } from '#inference'
import type { Family, Labels, Sample } from '#protocols/prometheus/index'
import type { JournalStanding } from '#stores/journal/index'
import { VERSION } from '../version.ts'
import { cpuSecondsOf, residentBytes } from './memory.ts'
import { hostOf } from './usage.ts'

const LOOK_MS = 20
const startedS = systemClock.nowMs() / 1000

/** What is measured of the process itself, named by the role that it has. */
export function processMetrics(role: 'server' | 'plane' | 'standalone') {
  const lag = monitorEventLoopDelay({ resolution: LOOK_MS })
  lag.enable()
  const labels = { role }
  return (): Family[] => {
    const { user, system } = process.cpuUsage()
    const memory = process.memoryUsage()
    const lagS = Number.isNaN(lag.mean) ? 0 : Math.max(0, lag.mean / 1e9 - LOOK_MS / 1000)
    const lagMaxS = Math.max(0, lag.max / 1e9 - LOOK_MS / 1000)
    // Each scrape tells of the time since the one before.
    lag.reset()
    return [
      gauge('orrery_build_info', 'The version that runs; always 1.', [
        { labels: { ...labels, version: VERSION, node: process.versions.node }, value: 1 },
      ]),
      gauge('orrery_process_resident_memory_bytes', 'Memory of the process.', [
        { labels, value: memory.rss },
      ]),
      gauge('orrery_process_heap_bytes', 'Memory that JavaScript uses.', [
        { labels, value: memory.heapUsed },
      ]),
      counter('orrery_process_cpu_seconds', 'Processor time of the process.', [
        { labels, value: (user + system) / 1e6 },
      ]),
      gauge('orrery_process_start_time_seconds', 'When the process began, since 1970.', [
        { labels, value: startedS },
      ]),
      gauge(
        'orrery_event_loop_lag_mean_seconds',
        'How late the event loop turned since the last scrape.',
        [{ labels, value: lagS }],
      ),
      gauge(
        'orrery_event_loop_lag_max_seconds',
        'How late the event loop turned at worst since the last scrape.',
        [{ labels, value: lagMaxS }],
      ),
    ]
  }
}

/** What is measured of predictions and of the models that make them. */
export async function predictionMetrics(
  plane: LocalPlane,
  journal?: { standing(): JournalStanding },
): Promise<Family[]> {
  const { loaded } = plane.measured()
  return [
    ...requestMetrics(plane),
    ...endpointMetrics(plane),
    ...(await modelProcessMetrics(loaded)),
    ...hostMetrics(),
    ...(journal === undefined ? [] : journalMetrics(journal.standing())),
  ]
}

function requestMetrics(plane: LocalPlane): Family[] {
  const { requests, runs, errors } = plane.measured()
  const of = ({ endpoint, revision, modelVersion, protocol }: (typeof requests)[number]) => ({
    endpoint,
    revision,
    model_version: modelVersion,
    protocol,
  })
  const ofRun = ({ endpoint, revision, modelVersion, role }: (typeof runs)[number]) => ({
    endpoint,
    revision,
    model_version: modelVersion,
    role,
  })
  return [
    counter(
      'orrery_requests',
      'Requests that were answered.',
      requests.map((each) => ({ labels: of(each), value: total(each.seconds) })),
    ),
    counter(
      'orrery_rows',
      'Rows that were answered.',
      requests.map((each) => ({ labels: of(each), value: each.rows })),
    ),
    histogram(
      'orrery_request_duration_seconds',
      'From the request, read, to its logged answer.',
      requests.map((each) => ({ labels: of(each), value: each.seconds })),
    ),
    counter(
      'orrery_request_errors',
      'Requests that were not answered, by why; without an endpoint where there is none of that name.',
      errors.map(({ count, ...labels }) => ({ labels, value: count })),
    ),
    histogram(
      'orrery_queue_duration_seconds',
      'How long calls waited for their turn at the model.',
      runs.map((each) => ({ labels: ofRun(each), value: each.queueSeconds })),
    ),
    histogram(
      'orrery_model_duration_seconds',
      'How long the model ran for a call, together with those that were joined to it.',
      runs.map((each) => ({ labels: ofRun(each), value: each.modelSeconds })),
    ),
    histogram(
      'orrery_batch_rows',
      'Rows of each run of a model.',
      runs.map((each) => ({ labels: ofRun(each), value: each.batchRows })),
    ),
  ]
}

function endpointMetrics(plane: LocalPlane): Family[] {
  const { restarts, evictions, loaded } = plane.measured()
  const standings = plane.standings()
  const revisions = new Map<string, number>()
  for (const { endpoint } of loaded) revisions.set(endpoint, (revisions.get(endpoint) ?? 0) + 1)
  const counted = (samples: typeof restarts): Sample[] =>
    samples.map(({ endpoint, count }) => ({ labels: { endpoint }, value: count }))
  return [
    gauge(
      'orrery_endpoint_ready',
      'Whether an endpoint can answer at once.',
      standings.map(({ endpoint, state }) => ({
        labels: { endpoint },
        value: state === 'ready' ? 1 : 0,
      })),
    ),
    gauge(
      'orrery_loaded_revisions',
      'Revisions of an endpoint that are loaded.',
      [...revisions].map(([endpoint, value]) => ({ labels: { endpoint }, value })),
    ),
    counter(
      'orrery_model_restarts',
      'Processes of models that ended unexpectedly and were started again.',
      counted(restarts),
    ),
    counter(
      'orrery_model_evictions',
      'Endpoints that were let go since memory was short.',
      counted(evictions),
    ),
    counter('orrery_shadow_requests_dropped', 'Requests whose shadows were left out under load.', [
      { labels: {}, value: plane.shadowsDropped() },
    ]),
  ]
}

async function modelProcessMetrics(loaded: readonly LoadedRevision[]): Promise<Family[]> {
  const processes = byProcess(loaded)
  const memory = await Promise.all(
    processes.map(async ({ labels, pid }): Promise<Sample[]> => {
      return pid === null ? [] : [{ labels, value: await residentBytes(pid) }]
    }),
  )
  const cpu = await Promise.all(
    processes.map(async ({ labels, pid }): Promise<Sample[]> => {
      const value = pid === null ? null : await cpuSecondsOf(pid)
      return value === null ? [] : [{ labels, value }]
    }),
  )
  return [
    gauge(
      'orrery_model_process_resident_memory_bytes',
      'Memory of a process that runs models.',
      memory.flat(),
    ),
    gauge(
      'orrery_queue_calls',
      'Calls that wait for a process of models.',
      processes.map(({ labels, waiting }) => ({ labels, value: waiting })),
    ),
    counter(
      'orrery_model_process_cpu_seconds',
      'Processor time of a process that runs models.',
      cpu.flat(),
    ),
  ]
}

/** What the machine has, whoever uses it. */
function hostMetrics(): Family[] {
  const { processors, busySeconds } = hostOf()
  return [
    gauge('orrery_host_processors', 'Processors of the machine.', one(processors)),
    counter(
      'orrery_host_busy_seconds',
      'Processor time of the machine that somebody used, since it began.',
      one(busySeconds),
    ),
    gauge('orrery_host_load', 'Load of the machine over a minute.', one(loadavg()[0] ?? 0)),
    gauge('orrery_host_memory_bytes', 'Memory of the machine.', one(totalmem())),
    gauge('orrery_host_memory_available_bytes', 'Memory that is free to be used.', one(freemem())),
  ]
}

/** Processes by the endpoint and revision that they run; those of several have numbers of their own. */
function byProcess(
  loaded: readonly LoadedRevision[],
): { labels: Labels; pid: number | null; waiting: number }[] {
  const found = new Map<number | string, LoadedRevision[]>()
  for (const each of loaded) {
    const key = each.pid ?? `${each.endpoint}/${each.revision}`
    found.set(key, [...(found.get(key) ?? []), each])
  }
  let shared = 0
  return [...found.values()].map((models) => {
    const [first] = models as [LoadedRevision, ...LoadedRevision[]]
    const { endpoint, revision, pid, waiting } = first
    if (models.length === 1) return { labels: { process: `${endpoint}/${revision}` }, pid, waiting }
    shared += 1
    return { labels: { process: `shared-${shared}` }, pid, waiting }
  })
}

function journalMetrics(standing: JournalStanding): Family[] {
  return [
    counter(
      'orrery_journal_written_bytes',
      'Bytes written to the journal.',
      one(standing.writtenBytes),
    ),
    gauge('orrery_journal_size_bytes', 'What lies in the journal.', one(standing.keptBytes)),
    gauge(
      'orrery_journal_pending_bytes',
      'What of the journal the prediction log has not taken over.',
      one(standing.pendingBytes),
    ),
    gauge(
      'orrery_journal_sync_lag_seconds',
      'How long answered predictions have waited for the disk.',
      one(standing.unsyncedMs / 1000),
    ),
  ]
}

/** Families of several processes, each name once. */
export function merged(families: readonly Family[]): Family[] {
  const byName = new Map<string, Family & { samples: Sample[] }>()
  for (const family of families) {
    const before = byName.get(family.name)
    if (before === undefined) byName.set(family.name, { ...family, samples: [...family.samples] })
    else for (const sample of family.samples) before.samples.push(sample)
  }
  return [...byName.values()]
}

function one(value: number): Sample[] {
  return [{ labels: {}, value }]
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples }
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples }
}

function histogram(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'histogram', samples }
}

function total({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
