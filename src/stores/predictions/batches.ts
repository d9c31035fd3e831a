import type { LoggedRevision, RecordedBatch } from '#inference'
import type { FoundPrediction } from '#serving'
import { placeOf, type Connection } from './database.ts'
import { endpointFinder, type EndpointRow } from './endpoint-row.ts'
import type { hotReader } from './hot.ts'
import { labelReader } from './labels.ts'
import { openSegmentRow, predictionRowOf, type OpenRow } from './rows.ts'
import type { SegmentReader } from './segment-reader.ts'
import { toldNames } from './told-names.ts'
import { predictionIn } from './truths.ts'

interface BatchRow {
  readonly seq: number
  readonly id: string
  readonly endpoint: number
  readonly name: string
  readonly digest: string | null
  readonly at_ms: number
  readonly rows: number
  readonly form: NonNullable<RecordedBatch['form']> | null
  readonly number: number
  readonly role: LoggedRevision['role']
  readonly model_version: string
  readonly outputs: string
}

/** Looks up single batches and predictions, wherever their rows are. */
export function batchReader(
  connection: Connection,
  from: { segments: SegmentReader; hot: Pick<ReturnType<typeof hotReader>, 'between'> },
) {
  const selectBatch = connection.prepare(
    `select b.seq, b.id, b.endpoint, e.name, b.digest, b.at_ms, b.rows, b.form, r.number, r.role, r.model_version, r.outputs
     from batches b join endpoints e on e.id = b.endpoint join revisions r on r.id = b.revision where b.id = ?`,
  )
  const isSealed = connection.prepare(
    'select 1 from batches b join endpoints e on e.id = b.endpoint where b.id = ? and b.seq <= e.sealed_seq',
  )
  const rowsOf = batchRows(connection, from)
  const labels = labelReader(connection)
  const told = toldNames(connection)

  const placed = (id: string) => {
    const parts = predictionIn(id)
    const batch = parts && (selectBatch.get(parts.batch) as BatchRow | undefined)
    return parts === undefined || batch === undefined || parts.row >= batch.rows
      ? undefined
      : { parts, batch }
  }
  return {
    find: async (id: string, endpoint?: string): Promise<FoundPrediction | undefined> => {
      const named = endpoint === undefined ? told.anywhere(id) : told.atEndpoint(endpoint, id)
      const found = placed(named ?? id)
      if (found === undefined) return undefined
      const { parts, batch } = found
      const rows = await rowsOf(batch, parts.row)
      const live = rows.find((row) => row.role === 'live')
      if (live === undefined) return undefined
      const truth = labels.of(batch.endpoint, live)
      return {
        ...predictionRowOf(live, truth?.label ?? null),
        endpoint: batch.name,
        ...told.nameOf(live.place),
        truth,
        shadows: rows
          .filter((row) => row.role === 'shadow')
          .map(({ revision, modelVersion, outputs }) => ({ revision, modelVersion, outputs })),
      }
    },
    /** Whether a batch's rows lie in a segment. */
    isSealed: (id: string): boolean => isSealed.get(id) !== undefined,
    findBatch: async (id: string): Promise<RecordedBatch | undefined> => {
      const batch = selectBatch.get(id) as BatchRow | undefined
      if (batch === undefined) return undefined
      const outputs = JSON.parse(batch.outputs) as LoggedRevision['outputs']
      const rows = (await rowsOf(batch)).filter((row) => row.revision === batch.number)
      const {
        name: endpoint,
        digest,
        at_ms: atMs,
        role,
        number,
        model_version: modelVersion,
      } = batch
      return {
        id,
        endpoint,
        digest,
        atMs,
        rows: batch.rows,
        ...(batch.form === null ? {} : { form: batch.form }),
        revision: { number, role, modelVersion, outputs },
        outputs: outputs.map(({ name }) => rows.map((row) => row.outputs[name] ?? null)),
      }
    },
  }
}

/** The rows of a batch, or those of one of its predictions, by place and revision. */
function batchRows(connection: Connection, { segments, hot }: Parameters<typeof batchReader>[1]) {
  const endpointNamed = endpointFinder(connection)
  const selectSpan = connection.prepare(
    'select min(event_ms) as fromMs, max(event_ms) as toMs from subjects where place between ? and ?',
  )
  return async (batch: BatchRow, row?: number): Promise<OpenRow[]> => {
    const places = [
      placeOf(batch.seq, row ?? 0),
      placeOf(batch.seq, row ?? Math.max(0, batch.rows - 1)),
    ] as const
    const { sealed_seq: sealedSeq } = endpointNamed(batch.name) as EndpointRow
    if (batch.seq > sealedSeq) return hot.between(...places)
    const span = selectSpan.get(...places) as { fromMs: number | null; toMs: number | null }
    if (span.fromMs === null || span.toMs === null) return []
    const sealed = await segments.rows(batch.endpoint, sealedSeq, {
      fromMs: span.fromMs,
      toMs: span.toMs + 1,
      predictions: places,
    })
    return sealed
      .map(openSegmentRow)
      .toSorted((one, other) => one.place - other.place || one.revision - other.revision)
  }
}
