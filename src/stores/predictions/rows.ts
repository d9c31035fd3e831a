import type { Logged, Role, Scalar } from '#inference'
import type { PredictionRow, SegmentRow } from '#serving'
import { rowOfPlace, type Connection } from './database.ts'

/** A row as the window query of the log's own tables gives it. */
export interface HotRow {
  readonly place: number
  readonly batch: string
  readonly layout: number
  readonly revision: number
  readonly number: number
  readonly event_ms: number
  readonly at_ms: number
  readonly latency_ms: number
  readonly key: string | null
  readonly inputs: string
  readonly outputs: string
}

interface RevisionNames {
  readonly role: Role
  readonly modelVersion: string
  readonly outputs: readonly string[]
}

/** Puts rows together again from the names that they share. */
export function rowReader(connection: Connection) {
  const layouts = new Map<number, readonly string[]>()
  const revisions = new Map<number, RevisionNames>()
  const findLayout = connection.prepare('select columns from layouts where id = ?').pluck()
  const findRevision = connection.prepare(
    'select role, model_version, outputs from revisions where id = ?',
  )

  const layoutOf = (id: number) => {
    const known = layouts.get(id) ?? (JSON.parse(findLayout.get(id) as string) as string[])
    layouts.set(id, known)
    return known
  }
  const revisionOf = (id: number): RevisionNames => {
    const known = revisions.get(id)
    if (known !== undefined) return known
    const row = findRevision.get(id) as { role: Role; model_version: string; outputs: string }
    const outputs = (JSON.parse(row.outputs) as { name: string }[]).map(({ name }) => name)
    const found = { role: row.role, modelVersion: row.model_version, outputs }
    revisions.set(id, found)
    return found
  }

  return {
    /** A row with its values under their names. */
    open: (row: HotRow): OpenRow => {
      const { role, modelVersion, outputs } = revisionOf(row.revision)
      return {
        place: row.place,
        batch: row.batch,
        revision: row.number,
        modelVersion,
        role,
        eventMs: row.event_ms,
        atMs: row.at_ms,
        latencyMs: row.latency_ms,
        key: row.key,
        inputs: named(layoutOf(row.layout), row.inputs),
        outputs: named(outputs, row.outputs),
      }
    },
  }
}

/** A row of the log without its label. */
export interface OpenRow extends Omit<PredictionRow, 'id' | 'label'> {
  readonly place: number
}

export function openSegmentRow({ prediction, ...row }: SegmentRow): OpenRow {
  return { ...row, place: prediction }
}

export function segmentRowOf({ place, ...row }: OpenRow): SegmentRow {
  return { ...row, prediction: place }
}

export function predictionRowOf(row: OpenRow, label: Scalar): PredictionRow {
  const { place, ...rest } = row
  return { ...rest, id: `${row.batch}-${rowOfPlace(place)}`, label }
}

function named(names: readonly string[], values: string): Record<string, Logged> {
  const list = JSON.parse(values) as Logged[]
  const record: Record<string, Logged> = {}
  for (const [index, name] of names.entries()) record[name] = list[index] ?? null
  return record
}
