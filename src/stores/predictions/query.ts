import type {
  FoundPrediction,
  PeriodSummary,
  PredictionQueries,
  PredictionRow,
  RecordedBatch,
  LoggedRevision,
  Scalar,
  SegmentFilter,
  WindowQuery,
} from '#serving'
import { HOUR_MS } from './append.ts'
import { placeOf, rowOfPlace, type Connection } from './database.ts'
import { openSegmentRow, predictionRowOf, rowReader, type HotRow, type OpenRow } from './rows.ts'
import type { SegmentReader } from './segment-reader.ts'
import { predictionIn } from './truths.ts'

const HOT_ROWS = `
  select s.place, b.id as batch, b.layout, a.revision, r.number, s.event_ms, b.at_ms, s.key, i.inputs, a.outputs
  from subjects s
  join inputs i on i.place = s.place
  join answers a on a.place = s.place
  join revisions r on r.id = a.revision
  join batches b on b.seq = s.place >> 20`

interface EndpointRow {
  readonly id: number
  readonly watermark_ms: number | null
  readonly sealed_seq: number
}

interface BatchRow {
  readonly seq: number
  readonly id: string
  readonly endpoint: number
  readonly name: string
  readonly digest: string | null
  readonly at_ms: number
  readonly rows: number
  readonly number: number
  readonly role: LoggedRevision['role']
  readonly model_version: string
  readonly outputs: string
}

/** Reads of the log: rows that are still in its tables, and rows of sealed segments, as one. */
export function queries(
  connection: Connection,
  segments: SegmentReader,
): Omit<PredictionQueries, 'onGrowth'> & {
  findBatch(id: string): Promise<RecordedBatch | undefined>
} {
  const reader = rowReader(connection)
  const labels = labelReader(connection)
  const findEndpoint = connection.prepare(
    'select id, watermark_ms, sealed_seq from endpoints where name = ?',
  )
  const selectBatch = connection.prepare(
    `select b.seq, b.id, b.endpoint, e.name, b.digest, b.at_ms, b.rows, r.number, r.role, r.model_version, r.outputs
     from batches b join endpoints e on e.id = b.endpoint join revisions r on r.id = b.revision where b.id = ?`,
  )
  const selectSubjects = connection.prepare(
    'select place, event_ms from subjects where place between ? and ? order by event_ms',
  )
  const selectHours = connection.prepare(
    'select hour, predictions, labels from hours where endpoint = ? and hour >= ? and hour < ? order by hour',
  )
  const selectTruth = connection.prepare(
    'select label, time_ms, at_ms from truths where endpoint = ? and kind = ? and ref = ?',
  )
  const selectHot = connection.prepare(
    `${HOT_ROWS}
     where s.endpoint = @endpoint and s.event_ms >= @fromMs and s.event_ms < @toMs and s.place >= @firstPlace
       and (@role is null or r.role = @role) and (@revision is null or r.number = @revision)
       and (@afterMs is null or (s.event_ms, s.place, r.number) > (@afterMs, @afterPlace, @afterRevision))
     order by s.event_ms, s.place, r.number limit @limit`,
  )
  const selectPlaces = connection.prepare(
    `${HOT_ROWS} where s.place between ? and ? order by s.place, r.number`,
  )

  const endpointNamed = (name: string) => findEndpoint.get(name) as EndpointRow | undefined

  const hotRows = (endpoint: EndpointRow, filter: SegmentFilter): OpenRow[] => {
    const [afterMs, afterPlace, afterRevision] = filter.after ?? [null, null, null]
    const rows = selectHot.all({
      endpoint: endpoint.id,
      fromMs: filter.fromMs,
      toMs: filter.toMs,
      firstPlace: placeOf(endpoint.sealed_seq + 1, 0),
      role: filter.role ?? null,
      revision: filter.revision ?? null,
      afterMs,
      afterPlace,
      afterRevision,
      limit: filter.limit ?? -1,
    }) as HotRow[]
    return rows.map(reader.open)
  }

  const window = async (name: string, query: WindowQuery) => {
    const endpoint = endpointNamed(name)
    if (endpoint === undefined) return { rows: [], next: null }
    const limit = query.limit === undefined ? undefined : query.limit + 1
    const after = query.after?.split('.').map(Number) as [number, number, number] | undefined
    const { fromMs, toMs, role, revision } = query
    const filter = { fromMs, toMs, role, revision, after, limit }
    // Both are read at one state of the log: between them a segment may be finished.
    const hot = hotRows(endpoint, filter)
    const sealed = await segments.rows(endpoint.id, endpoint.sealed_seq, filter)
    const found = merged(sealed.map(openSegmentRow), hot)
    const page = query.limit === undefined ? found : found.slice(0, query.limit)
    const last = page.at(-1)
    const more = last !== undefined && found.length > page.length
    return {
      rows: labels.join(endpoint.id, page),
      next: more ? `${last.eventMs}.${last.place}.${last.revision}` : null,
    }
  }

  const summaries: PredictionQueries['summaries'] = async (name, { fromMs, toMs, per }) => {
    const endpoint = endpointNamed(name)
    if (endpoint === undefined) return []
    const from = fromMs === undefined ? Number.MIN_SAFE_INTEGER : Math.floor(fromMs / HOUR_MS)
    const to = toMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(toMs / HOUR_MS)
    const hours = selectHours.all(endpoint.id, from, to) as HourRow[]
    return periodsOf(hours, per)
  }

  /** The rows of one batch, wherever they are. */
  const rowsOfBatch = async (batch: BatchRow, row?: number): Promise<OpenRow[]> => {
    const places = [
      placeOf(batch.seq, row ?? 0),
      placeOf(batch.seq, row ?? Math.max(0, batch.rows - 1)),
    ] as const
    const { sealed_seq: sealedSeq } = endpointNamed(batch.name) as EndpointRow
    if (batch.seq > sealedSeq) return (selectPlaces.all(...places) as HotRow[]).map(reader.open)
    const subjects = selectSubjects.all(...places) as { event_ms: number }[]
    const fromMs = subjects[0]?.event_ms ?? 0
    const toMs = (subjects.at(-1)?.event_ms ?? 0) + 1
    const sealed = await segments.rows(batch.endpoint, sealedSeq, {
      fromMs,
      toMs,
      predictions: places,
    })
    return sealed
      .map(openSegmentRow)
      .toSorted((one, other) => one.place - other.place || one.revision - other.revision)
  }

  const find = async (id: string): Promise<FoundPrediction | undefined> => {
    const parts = predictionIn(id)
    const batch = parts && (selectBatch.get(parts.batch) as BatchRow | undefined)
    if (parts === undefined || batch === undefined || parts.row >= batch.rows) return undefined
    const rows = await rowsOfBatch(batch, parts.row)
    const live = rows.find((row) => row.role === 'live')
    if (live === undefined) return undefined
    const truth = truthOf(batch.endpoint, id, live.key)
    return {
      ...predictionRowOf(live, truth?.label ?? null),
      endpoint: batch.name,
      truth,
      shadows: rows
        .filter((row) => row.role === 'shadow')
        .map(({ revision, modelVersion, outputs }) => ({ revision, modelVersion, outputs })),
    }
  }

  const truthOf = (endpoint: number, id: string, key: string | null): FoundPrediction['truth'] => {
    const row = (selectTruth.get(endpoint, 'prediction', id) ??
      (key === null ? undefined : selectTruth.get(endpoint, 'key', key))) as
      | TruthColumns
      | undefined
    return row === undefined
      ? null
      : { label: JSON.parse(row.label) as Scalar, timeMs: row.time_ms, atMs: row.at_ms }
  }

  const findBatch = async (id: string): Promise<RecordedBatch | undefined> => {
    const batch = selectBatch.get(id) as BatchRow | undefined
    if (batch === undefined) return undefined
    const outputs = JSON.parse(batch.outputs) as LoggedRevision['outputs']
    const rows = (await rowsOfBatch(batch)).filter((row) => row.revision === batch.number)
    return {
      id,
      endpoint: batch.name,
      digest: batch.digest,
      atMs: batch.at_ms,
      rows: batch.rows,
      revision: {
        number: batch.number,
        role: batch.role,
        modelVersion: batch.model_version,
        outputs,
      },
      outputs: outputs.map(({ name }) => rows.map((row) => row.outputs[name] ?? null)),
    }
  }

  return {
    window,
    summaries,
    find,
    findBatch,
    watermark: async (name) => endpointNamed(name)?.watermark_ms ?? null,
  }
}

interface TruthColumns {
  readonly label: string
  readonly time_ms: number | null
  readonly at_ms: number
}

/** Finds the labels of many rows at once: by prediction, or else by entity. */
function labelReader(connection: Connection) {
  const select = connection.prepare(
    `select t.ref, t.label from json_each(?) j cross join truths t on t.endpoint = ? and t.kind = ? and t.ref = j.value`,
  )
  const any = connection.prepare('select 1 from truths where endpoint = ? and kind = ? limit 1')
  const found = (endpoint: number, kind: string, refs: () => (string | null)[]) => {
    if (any.get(endpoint, kind) === undefined) return new Map<string, Scalar>()
    const unique = [...new Set(refs())].filter((ref) => ref !== null)
    const rows = select.all(JSON.stringify(unique), endpoint, kind) as {
      ref: string
      label: string
    }[]
    return new Map(rows.map(({ ref, label }) => [ref, JSON.parse(label) as Scalar]))
  }
  return {
    join: (endpoint: number, rows: readonly OpenRow[]): PredictionRow[] => {
      const idOf = (row: OpenRow) => `${row.batch}-${rowOfPlace(row.place)}`
      const byId = found(endpoint, 'prediction', () => rows.map(idOf))
      const byKey = found(endpoint, 'key', () => rows.map((row) => row.key))
      return rows.map((row) =>
        predictionRowOf(row, byId.get(idOf(row)) ?? byKey.get(row.key ?? '') ?? null),
      )
    },
  }
}

/** Two lists that are in order, as one in order. */
function merged(one: readonly OpenRow[], other: readonly OpenRow[]): readonly OpenRow[] {
  if (one.length === 0) return other
  if (other.length === 0) return one
  return [...one, ...other].toSorted(
    (a, b) => a.eventMs - b.eventMs || a.place - b.place || a.revision - b.revision,
  )
}

interface HourRow {
  readonly hour: number
  readonly predictions: number
  readonly labels: number
}

function periodsOf(hours: readonly HourRow[], per: 'month' | number): PeriodSummary[] {
  const periods = new Map<number, { predictions: number; labels: number }>()
  for (const { hour, predictions, labels } of hours) {
    const startMs = periodStart(hour * HOUR_MS, per)
    const sum = periods.get(startMs) ?? { predictions: 0, labels: 0 }
    sum.predictions += predictions
    sum.labels += labels
    periods.set(startMs, sum)
  }
  return [...periods].map(([startMs, sums]) => ({ startMs, ...sums }))
}

function periodStart(ms: number, per: 'month' | number): number {
  if (per !== 'month') return Math.floor(ms / per) * per
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}
