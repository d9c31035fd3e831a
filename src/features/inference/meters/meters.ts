import { Problem } from '#base/problem'
import { fillHistogram, ROWS, SECONDS, type Filling, type Histogram } from './histogram.ts'
import type { Revision, Role } from '../revision.ts'
import type { ModelRun } from '../runtime.ts'

/** What was counted since the process began, in plain data. */
export interface Measured {
  readonly requests: readonly RequestsMeasured[]
  readonly runs: readonly RunsMeasured[]
  readonly errors: readonly ErrorsMeasured[]
  readonly restarts: readonly EndpointCount[]
  readonly evictions: readonly EndpointCount[]
}

export interface RequestsMeasured {
  readonly endpoint: string
  readonly revision: number
  /** `flights-late/3` */
  readonly modelVersion: string
  readonly protocol: string
  readonly rows: number
  /** Seconds from the request, read, to its logged answer. */
  readonly seconds: Histogram
}

/** Runs of a model as its callers have seen them. */
export interface RunsMeasured {
  readonly endpoint: string
  readonly revision: number
  readonly modelVersion: string
  readonly role: Role
  readonly queueSeconds: Histogram
  readonly modelSeconds: Histogram
  /** Rows of each run: calls that were joined count once. */
  readonly batchRows: Histogram
}

export interface ErrorsMeasured {
  /** Empty for an endpoint that there is not: callers may make up any name. */
  readonly endpoint: string
  readonly protocol: string
  readonly kind: string
  readonly count: number
}

export interface EndpointCount {
  readonly endpoint: string
  readonly count: number
}

/** Revisions of one endpoint that are told apart; the oldest make room for new ones. */
const REVISIONS_MAX = 10

interface Requests {
  readonly of: Omit<RequestsMeasured, 'rows' | 'seconds'>
  rows: number
  readonly seconds: Filling
}

interface Runs {
  readonly of: Pick<RunsMeasured, 'endpoint' | 'revision' | 'modelVersion' | 'role'>
  readonly queueSeconds: Filling
  readonly modelSeconds: Filling
  readonly batchRows: Filling
}

interface Errors {
  readonly endpoint: string
  readonly protocol: string
  readonly kind: string
  count: number
}

/** Counts in plain numbers; they are put into words when somebody asks. */
export function createMeters() {
  const requests = new Map<string, Requests>()
  const runs = new Map<string, Runs>()
  const errors = new Map<string, Errors>()
  const restarts = new Map<string, number>()
  const evictions = new Map<string, number>()

  const counterOf = (of: Requests['of']): Requests => {
    const key = `${of.endpoint}\n${of.revision}\n${of.protocol}`
    let counted = requests.get(key)
    if (counted === undefined) {
      requests.set(key, (counted = { of, rows: 0, seconds: fillHistogram(SECONDS) }))
      dropOldest(requests, of)
    }
    return counted
  }
  return {
    answered: (of: Requests['of'], rows: number, tookMs: number): void => {
      const counted = counterOf(of)
      counted.rows += rows
      counted.seconds.add(tookMs / 1000)
    },
    failed: (endpoint: string, protocol: string, error: unknown): void => {
      const kind = kindOfError(error)
      const key = `${endpoint}\n${protocol}\n${kind}`
      const counted = errors.get(key)
      if (counted === undefined) errors.set(key, { endpoint, protocol, kind, count: 1 })
      else counted.count += 1
    },
    /** Gives what counts the runs of one revision. */
    runsOf: ({ endpoint, number, role }: Revision, modelVersion: string) => {
      const key = `${endpoint}\n${number}\n${role}`
      let counted: Runs | undefined
      return ({ queuedMs, ranMs, rows, leads }: ModelRun): void => {
        counted ??= runs.get(key)
        if (counted === undefined) {
          counted = {
            of: { endpoint, revision: number, modelVersion, role },
            queueSeconds: fillHistogram(SECONDS),
            modelSeconds: fillHistogram(SECONDS),
            batchRows: fillHistogram(ROWS),
          }
          runs.set(key, counted)
          dropOldest(runs, counted.of)
        }
        counted.queueSeconds.add(queuedMs / 1000)
        counted.modelSeconds.add(ranMs / 1000)
        if (leads) counted.batchRows.add(rows)
      }
    },
    restarted: (endpoint: string): void => increase(restarts, endpoint),
    evicted: (endpoint: string): void => increase(evictions, endpoint),
    forget: (endpoint: string): void => {
      for (const [key, { of }] of requests) if (of.endpoint === endpoint) requests.delete(key)
      for (const [key, { of }] of runs) if (of.endpoint === endpoint) runs.delete(key)
      for (const [key, each] of errors) if (each.endpoint === endpoint) errors.delete(key)
      restarts.delete(endpoint)
      evictions.delete(endpoint)
    },
    read: (): Measured => ({
      requests: [...requests.values()].map(requestsRead),
      runs: [...runs.values()].map(runsRead),
      errors: [...errors.values()].map(errorsRead),
      restarts: counts(restarts),
      evictions: counts(evictions),
    }),
  }
}

function requestsRead({ of, rows, seconds }: Requests): RequestsMeasured {
  return { ...of, rows, seconds: seconds.read() }
}

function runsRead({ of, queueSeconds, modelSeconds, batchRows }: Runs): RunsMeasured {
  return {
    ...of,
    queueSeconds: queueSeconds.read(),
    modelSeconds: modelSeconds.read(),
    batchRows: batchRows.read(),
  }
}

function errorsRead(counted: Errors): ErrorsMeasured {
  return { ...counted }
}

export type Meters = ReturnType<typeof createMeters>

/** Lets go of the oldest revision of an endpoint when a new one makes them too many. */
function dropOldest(
  series: Map<string, { of: { endpoint: string; revision: number } }>,
  { endpoint, revision }: { endpoint: string; revision: number },
): void {
  const revisions = new Set<number>()
  for (const { of } of series.values()) if (of.endpoint === endpoint) revisions.add(of.revision)
  if (revisions.size <= REVISIONS_MAX) return
  const oldest = Math.min(...[...revisions].filter((number) => number !== revision))
  for (const [key, { of }] of series)
    if (of.endpoint === endpoint && of.revision === oldest) series.delete(key)
}

/** Why a request was not answered, in one of few words. */
export function kindOfError(error: unknown): string {
  if (!(error instanceof Problem)) return 'fault'
  if (error.details['crowded'] === true) return 'queue-full'
  return error.code === 'timeout' ? 'deadline' : error.code
}

function increase(counted: Map<string, number>, endpoint: string): void {
  counted.set(endpoint, (counted.get(endpoint) ?? 0) + 1)
}

function counts(counted: ReadonlyMap<string, number>): EndpointCount[] {
  return [...counted].map(([endpoint, count]) => ({ endpoint, count }))
}
