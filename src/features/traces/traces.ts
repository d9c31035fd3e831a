import type { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import { pathOfUri, type KeyValue, type Place, type Placed, type Tracking } from '#tracking'
import { SPANS_FILE } from './artifact.ts'
import type { NewAssessment } from './assessment.ts'
import { createAssessments, keptAssessment, type Assessments } from './assessments.ts'
import { correlationOf, type Correlation } from './correlation.ts'
import { createDeletion, type TraceDeletion } from './deletion.ts'
import { parseTraceFilter } from './filter/index.ts'
import { experimentIn, logSpans, type SpanDelivery, type TraceTransact } from './ingest.ts'
import { assertQuestion, dataPoints, type DataPoint, type Question } from './measure.ts'
import { startedTrace, withUsage, type NewTrace } from './merge.ts'
import type { TraceReads, TraceSearch } from './store.ts'
import {
  ARTIFACT_LOCATION_TAG,
  assertMutableTag,
  checkedTraceTag,
  LINKS_MAX,
  NAME_TAG,
  noTrace,
  over,
  SIZE_STATS_KEY,
  SPANS_ARE_HERE,
  SPANS_LOCATION_TAG,
  TAG_VALUE_CHARS_MAX,
  TIME_MS_MAX,
  valueOf,
  type TraceRecord,
  type TraceState,
} from './trace.ts'

/** A trace with the texts of its spans, root first. */
export interface WholeTrace {
  readonly trace: TraceRecord
  readonly spans: readonly string[]
}

export interface TracePage {
  readonly traces: readonly TraceRecord[]
  /** Where the next page starts; there is one whenever this one is full. */
  readonly next: Place | null
}

/** What applications tell of their calls: traces, their spans, and what is thought of them. */
export interface Traces extends TraceDeletion {
  readonly assessments: Assessments
  /** Keeps a trace as the application tells it; spans may come before or after. */
  start(trace: NewTrace, assessments?: readonly NewAssessment[]): Promise<TraceRecord>
  logSpans(delivery: SpanDelivery): Promise<void>
  /** A trace of MLflow's second protocol: begun here, ended by `end`. */
  begin(trace: Omit<NewTrace, 'traceId'>): Promise<TraceRecord>
  end(traceId: string, end: TraceEnd): Promise<TraceRecord>
  /** Throws `not-found`. */
  get(traceId: string): Promise<TraceRecord>
  /** In the order of the identifiers; unknown ones and those of other experiments are left out. */
  many(traceIds: readonly string[], experimentIds?: readonly string[]): Promise<TraceRecord[]>
  /** Throws `not-found` when there is none, or when spans are yet to come and a part is not enough. */
  whole(traceId: string, how: { part: 'is-enough' | 'never' }): Promise<WholeTrace>
  /** Those whose spans are all here. */
  wholes(traceIds: readonly string[], experimentIds?: readonly string[]): Promise<WholeTrace[]>
  search(question: TraceSearch): Promise<TracePage>
  setTag(traceId: string, tag: KeyValue): Promise<void>
  /** Throws `not-found` when the trace has no such tag. */
  deleteTag(traceId: string, key: string): Promise<void>
  /** Traces that are not there are left out. Throws `not-found` for the run. */
  linkToRun(runId: string, traceIds: readonly string[]): Promise<void>
  linkPrompts(
    traceId: string,
    prompts: readonly { readonly name: string; readonly version: string }[],
  ): Promise<void>
  measure(question: Question): Promise<DataPoint[]>
  correlate(asked: {
    readonly experimentIds: readonly string[]
    readonly first: string
    readonly second: string
    readonly base?: string
  }): Promise<Correlation>
  /** A file beside the trace: its spans as the client uploaded them, or an attachment. */
  openFile(traceId: string, name?: string): Promise<{ bytes: Readable; sizeBytes: number }>
  any(): Promise<boolean>
}

export interface TraceEnd {
  readonly atMs: number
  readonly state: TraceState
  readonly metadata: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
}

export interface TracesDependencies {
  readonly read: TraceReads
  readonly transact: TraceTransact
  readonly tracking: Pick<Tracking, 'artifacts'>
  readonly clock: Clock
  readonly ids: Ids
}

export function createTraces(dependencies: TracesDependencies): Traces {
  const { read, transact } = dependencies
  return {
    assessments: createAssessments(dependencies),
    ...createDeletion(dependencies),
    ...telling(dependencies),
    ...reading(dependencies),
    setTag: async (traceId, tag) => {
      assertMutableTag(tag.key, 'set')
      const kept = checkedTraceTag(tag)
      await transact(async ({ traces }) => {
        if ((await traces.traces([traceId])).length === 0) throw noTrace(traceId)
        await traces.setTraceTag(traceId, kept)
      })
    },
    deleteTag: async (traceId, key) => {
      assertMutableTag(key, 'deleted')
      await transact(async ({ traces }) => {
        if (await traces.deleteTraceTag(traceId, key)) return
        if ((await traces.traces([traceId])).length === 0) throw noTrace(traceId)
        throw new Problem(
          'not-found',
          `No trace tag with key '${key}' for trace with ID '${traceId}'`,
        )
      })
    },
    linkToRun: async (runId, traceIds) => {
      if (traceIds.length > LINKS_MAX)
        throw new Problem(
          'limit',
          `Cannot link more than ${LINKS_MAX} traces to a run in a single request; ${traceIds.length} were sent, so send them in parts`,
        )
      await transact(async ({ traces, tracking }) => {
        if ((await tracking.findRun(runId)) === undefined)
          throw new Problem('not-found', `Run with id=${runId} not found; it may have been deleted`)
        const there = await traces.traces(traceIds)
        await traces.linkRun(
          runId,
          there.map(({ traceId }) => traceId),
        )
      })
    },
    linkPrompts: (traceId, prompts) =>
      transact(async ({ traces }) => {
        if ((await traces.traces([traceId])).length === 0) throw noTrace(traceId)
        await traces.linkPrompts(
          traceId,
          prompts.map(({ name, version }) => `${name}/${version}`),
        )
      }),
    measure: async (question) => {
      assertQuestion(question)
      return dataPoints(question, await read.measured(question))
    },
    any: () => read.hasTraces(),
  }
}

function telling({
  transact,
  clock,
  ids,
}: TracesDependencies): Pick<Traces, 'start' | 'logSpans' | 'begin' | 'end'> {
  const insert = (trace: NewTrace, assessments: readonly NewAssessment[], final: boolean) =>
    transact(async ({ traces, tracking }) => {
      const experiment = await experimentIn(tracking, trace.experimentId)
      if (experiment.lifecycle !== 'active')
        throw new Problem(
          'conflict',
          `the experiment ${experiment.experimentId} must be in the 'active' state, but it is deleted; restore it first`,
        )
      const [kept] = await traces.traces([trace.traceId])
      const given = { ...trace, experimentId: experiment.experimentId }
      const after = startedTrace(kept, given, experiment, final)
      await traces.saveTraces([after])
      if (kept !== undefined && kept.experimentId !== after.experimentId)
        await traces.moveTrace(trace.traceId, after.experimentId)
      const nowMs = clock.nowMs()
      await traces.putAssessments(
        assessments.map((each) => keptAssessment(trace.traceId, each, { nowMs, id: ids.hex32() })),
      )
      const [record] = await traces.traces([trace.traceId])
      return record as TraceRecord
    })
  return {
    start: async (trace, assessments = []) => {
      assertTraceId(trace.traceId)
      return insert(checked(trace), assessments, true)
    },
    logSpans: (delivery) => logSpans(transact, delivery),
    begin: async (trace) => insert(checked({ ...trace, traceId: ids.hex32() }), [], false),
    end: (traceId, { atMs, state, metadata, tags }) =>
      transact(async ({ traces }) => {
        const [kept] = await traces.traces([traceId])
        if (kept === undefined) throw noTrace(traceId)
        const after = checked({
          ...kept,
          state,
          durationMs: atMs - kept.atMs,
          metadata: over(kept.metadata, withUsage(metadata)),
          tags: over(kept.tags, tags),
        })
        await traces.saveTraces([after])
        return after
      }),
  }
}

/** Names of traces become parts of paths, so only plain ones are taken. */
function assertTraceId(traceId: string): void {
  if (!/^[\w-]{1,64}$/.test(traceId))
    throw new Problem(
      'invalid',
      `${JSON.stringify(traceId.slice(0, 100))} is no trace id; it has up to 64 letters, digits, dashes and underscores`,
    )
}

function checked<Trace extends NewTrace>(trace: Trace): Trace {
  for (const ms of [trace.atMs, trace.durationMs ?? 0])
    if (!Number.isSafeInteger(ms) || Math.abs(ms) > TIME_MS_MAX)
      throw new Problem('invalid', `${ms} is no time of a trace; tell milliseconds since 1970`)
  const name = valueOf(trace.tags, NAME_TAG) ?? ''
  if (name.length > TAG_VALUE_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the name of the trace has ${name.length} characters; the limit is ${TAG_VALUE_CHARS_MAX}`,
    )
  return trace
}

function reading({
  read,
  tracking,
}: TracesDependencies): Pick<
  Traces,
  'get' | 'many' | 'whole' | 'wholes' | 'search' | 'correlate' | 'openFile'
> {
  const get = async (traceId: string) => {
    const [trace] = await read.traces([traceId])
    if (trace === undefined) throw noTrace(traceId)
    return trace
  }
  const many = async (traceIds: readonly string[], experimentIds?: readonly string[]) => {
    const found = await read.traces([...new Set(traceIds)])
    return experimentIds === undefined
      ? found
      : found.filter(({ experimentId }) => experimentIds.includes(experimentId))
  }
  return {
    get,
    many,
    whole: async (traceId, { part }) => {
      const trace = await get(traceId)
      if (!isHere(trace))
        throw new Problem(
          'unsupported',
          `Trace data not stored in tracking store: the spans of ${traceId} are a file beside it`,
        )
      const spans = (await read.contents([traceId])).get(traceId) ?? []
      if (part === 'never' && !isComplete(trace, spans.length))
        throw new Problem(
          'not-found',
          `Trace with ID ${traceId} is not fully exported yet, please try again later`,
        )
      return { trace, spans }
    },
    wholes: async (traceIds, experimentIds) => {
      const found = await many(traceIds, experimentIds)
      const contents = await read.contents(found.map(({ traceId }) => traceId))
      return found
        .filter(isHere)
        .map((trace) => ({ trace, spans: contents.get(trace.traceId) ?? [] }))
        .filter(({ trace, spans }) => spans.length > 0 && isComplete(trace, spans.length))
    },
    search: async (question) => {
      const found = await read.searchTraces(question)
      const traces = await read.traces(found.map(({ item }) => item))
      return { traces, next: found.length < question.limit ? null : (found.at(-1)?.place ?? null) }
    },
    correlate: async ({ experimentIds, first, second, base }) => {
      const all = parseTraceFilter(base)
      const idsOf = (filter: string) =>
        matching(read, experimentIds, [...all, ...parseTraceFilter(filter)])
      const [one, other] = [await idsOf(first), await idsOf(second)]
      const total = await matching(read, experimentIds, all)
      const both = [...one].filter((id) => other.has(id)).length
      return correlationOf({ first: one.size, second: other.size, both, all: total.size })
    },
    openFile: async (traceId, name) => openFile(tracking, await get(traceId), name),
  }
}

/** Opens a file that lies beside a trace. */
async function openFile(
  { artifacts }: TracesDependencies['tracking'],
  { tags }: TraceRecord,
  name: string | undefined,
): Promise<{ bytes: Readable; sizeBytes: number }> {
  const location = valueOf(tags, ARTIFACT_LOCATION_TAG) ?? ''
  const root = pathOfUri(location)
  if (root === undefined)
    throw new Problem(
      'unsupported',
      `the files of the trace are kept at ${location}, outside this server; ask that store for them`,
    )
  return artifacts.open(
    name === undefined ? `${root}/${SPANS_FILE}` : `${root}/attachments/${name}`,
  )
}

/** Every trace that matches, asked for in pages. */
async function matching(
  read: TraceReads,
  experimentIds: readonly string[],
  conditions: TraceSearch['conditions'],
): Promise<Set<string>> {
  const found = new Set<string>()
  const limit = 5000
  for (let after: Place | undefined; ;) {
    const page: Placed<string>[] = await read.searchTraces({
      experimentIds,
      conditions,
      order: [{ field: { of: 'attribute', name: 'traceId' }, descending: false }],
      limit,
      after,
    })
    for (const { item } of page) found.add(item)
    after = page.at(-1)?.place
    if (page.length < limit) return found
  }
}

function isHere({ tags }: TraceRecord): boolean {
  return valueOf(tags, SPANS_LOCATION_TAG) === SPANS_ARE_HERE
}

/** Whether as many spans came as the application said that there are. */
function isComplete({ metadata }: TraceRecord, spans: number): boolean {
  const stats = valueOf(metadata, SIZE_STATS_KEY)
  if (spans === 0) return false
  if (stats === undefined) return true
  try {
    const { num_spans: expected } = JSON.parse(stats) as { num_spans?: unknown }
    return typeof expected !== 'number' || spans >= expected
  } catch {
    return true
  }
}
