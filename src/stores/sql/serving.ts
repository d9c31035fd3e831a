import type { Kysely } from 'kysely'
import type { EndpointSettings, Revision } from '#inference'
import type {
  Declaration,
  Delivery,
  Endpoint,
  RevisionWeight,
  SealedSegment,
  SegmentKind,
  ServingReads,
  ServingWrites,
} from '#serving'

interface RevisionRow {
  endpoint: string
  number: number
  role: Revision['role']
  model: string
  version: number
  digest: string
  created_ms: number
}

export interface ServingTables {
  endpoints: {
    name: string
    project: string
    model: string
    shadows: string
    monitor: string | null
    log: string | null
    delivery: string | null
    settings: string | null
    elsewhere: number | null
    answering: string | null
    declared_ms: number
    live: number | null
    shadowing: string
    failure: string | null
  }
  revisions: RevisionRow
  segments: {
    id: string
    endpoint: string
    kind: SegmentKind
    digest: string
    rows: number
    from_ms: number
    to_ms: number
    sealed_ms: number
  }
}

export function servingReads(db: Kysely<ServingTables>): ServingReads {
  const endpoints = db.selectFrom('endpoints').selectAll().orderBy('name')
  return {
    list: async () => Promise.all((await endpoints.execute()).map((row) => endpointOf(db, row))),
    find: async (name) => {
      const row = await endpoints.where('name', '=', name).executeTakeFirst()
      return row === undefined ? undefined : endpointOf(db, row)
    },
    revisions: async (endpoint, { before, limit }) => {
      let query = db
        .selectFrom('revisions')
        .selectAll()
        .where('endpoint', '=', endpoint)
        .orderBy('number', 'desc')
        .limit(limit)
      if (before !== undefined) query = query.where('number', '<', before)
      return (await query.execute()).map(revisionOf)
    },
    findRevision: async (endpoint, number) => (await revisionsOf(db, endpoint, [number]))[0],
    findSegment: async (id) => {
      const row = await db
        .selectFrom('segments')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : segmentOf(row)
    },
    segments: async (endpoint) =>
      (
        await db
          .selectFrom('segments')
          .selectAll()
          .where('endpoint', '=', endpoint)
          .orderBy('sealed_ms')
          .orderBy('id')
          .execute()
      ).map(segmentOf),
  }
}

export function servingWrites(db: Kysely<ServingTables>): ServingWrites {
  return {
    ...servingReads(db),
    declare: async (declaration, declaredMs) => {
      const { name } = declaration
      const declared = declaredColumns(declaration, declaredMs)
      await db
        .insertInto('endpoints')
        .values({
          name,
          ...declared,
          live: null,
          answering: null,
          shadowing: '[]',
          failure: null,
        })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(declared))
        .execute()
    },
    remove: async (endpoint) => {
      await db.deleteFrom('endpoints').where('name', '=', endpoint).execute()
    },
    addRevisions: async (revisions) => {
      if (revisions.length === 0) return
      await db
        .insertInto('revisions')
        .values(revisions.map(({ createdMs, ...row }) => ({ ...row, created_ms: createdMs })))
        .execute()
    },
    saveServing: async (endpoint, { live, shadowing, failure }) => {
      await db
        .updateTable('endpoints')
        .set({ live, shadowing: JSON.stringify(shadowing), failure })
        .where('name', '=', endpoint)
        .execute()
    },
    saveAnswering: async (endpoint, { live, weights }) => {
      await db
        .updateTable('endpoints')
        .set({ live, answering: JSON.stringify(weights) })
        .where('name', '=', endpoint)
        .execute()
    },
    addSegment: async ({ id, endpoint, kind, digest, rows, ...times }) => {
      const { fromMs, toMs, sealedMs } = times
      await db
        .insertInto('segments')
        .values({
          id,
          endpoint,
          kind,
          digest,
          rows,
          from_ms: fromMs,
          to_ms: toMs,
          sealed_ms: sealedMs,
        })
        .execute()
    },
  }
}

function declaredColumns(declaration: Declaration, declaredMs: number) {
  const { project, model, elsewhere, shadows, monitor, log, delivery, settings } = declaration
  return {
    project,
    model,
    shadows: JSON.stringify(shadows),
    monitor: textOf(monitor),
    log: textOf(log),
    delivery: textOf(delivery),
    settings: textOf(settings),
    elsewhere: elsewhere === true ? 1 : null,
    declared_ms: declaredMs,
  }
}

function textOf(part: object | null | undefined): string | null {
  return part ? JSON.stringify(part) : null
}

async function endpointOf(
  db: Kysely<ServingTables>,
  row: ServingTables['endpoints'],
): Promise<Endpoint> {
  const shadowing = JSON.parse(row.shadowing) as number[]
  const weights = weightsIn(row)
  const numbers = [...weights.map(({ revision }) => revision), ...shadowing]
  const revisions = await revisionsOf(db, row.name, numbers)
  const numbered = (number: number) => revisions.find((revision) => revision.number === number)
  return {
    name: row.name,
    project: row.project,
    model: row.model,
    ...(row.elsewhere === 1 ? { elsewhere: true } : {}),
    shadows: JSON.parse(row.shadows) as string[],
    monitor: row.monitor === null ? null : (JSON.parse(row.monitor) as Endpoint['monitor']),
    log: row.log === null ? null : (JSON.parse(row.log) as Endpoint['log'] & object),
    declaredMs: row.declared_ms,
    delivery: row.delivery === null ? null : (JSON.parse(row.delivery) as Delivery),
    settings: row.settings === null ? null : (JSON.parse(row.settings) as EndpointSettings),
    live: row.live === null ? null : (numbered(row.live) ?? null),
    answering: weights.flatMap(({ revision: number, weight }) => {
      const revision = numbered(number)
      return revision === undefined ? [] : [{ revision, weight }]
    }),
    shadowing: shadowing.map(numbered).filter((revision) => revision !== undefined),
    failure: row.failure,
  }
}

/** Whoever wrote before there were weights wrote that one revision answers. */
function weightsIn({ live, answering }: ServingTables['endpoints']): RevisionWeight[] {
  if (live === null) return []
  const weights = answering === null ? [] : (JSON.parse(answering) as RevisionWeight[])
  return weights.some(({ revision }) => revision === live)
    ? weights
    : [{ revision: live, weight: 1 }]
}

async function revisionsOf(
  db: Kysely<ServingTables>,
  endpoint: string,
  numbers: readonly number[],
): Promise<Revision[]> {
  if (numbers.length === 0) return []
  const rows = await db
    .selectFrom('revisions')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('number', 'in', [...numbers])
    .execute()
  return rows.map(revisionOf)
}

function revisionOf({ created_ms: createdMs, ...row }: RevisionRow): Revision {
  return { ...row, createdMs }
}

function segmentOf(row: ServingTables['segments']): SealedSegment {
  const { from_ms: fromMs, to_ms: toMs, sealed_ms: sealedMs, ...rest } = row
  return { ...rest, fromMs, toMs, sealedMs }
}
