import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import { versionIn, type FileOf, type Subject, type Thing } from '#retention'
import { pathOfUri } from '#tracking'
import type { RetentionTables } from './tables.ts'

type Db = Kysely<RetentionTables>

/** Files read at a time. */
const PAGE = 1000

/** The thing as it is now: in its place, or kept aside by the registry. */
export async function findSubject(db: Db, thing: Thing): Promise<Subject | undefined> {
  const { kind, id } = thing
  if (kind === 'run') {
    const row = await db.selectFrom('runs').selectAll().where('run_id', '=', id).executeTakeFirst()
    if (row === undefined) return undefined
    const root = ownRoot(row.artifact_uri, `${id}/artifacts`)
    return tracked(thing, { ...row, root })
  }
  if (kind === 'logged-model') {
    const row = await db
      .selectFrom('logged_models')
      .selectAll()
      .where('model_id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return undefined
    return tracked(thing, { ...row, root: ownRoot(row.artifact_uri, `${id}/artifacts`) })
  }
  if (kind === 'experiment') {
    const row = await db
      .selectFrom('experiments')
      .selectAll()
      .where('experiment_id', '=', Number(id))
      .executeTakeFirst()
    if (row === undefined) return undefined
    // A folder that was chosen by hand may be that of other experiments too.
    const root = pathOfUri(row.artifact_location) === id ? id : null
    return tracked(thing, { ...row, root })
  }
  return kind === 'registered-model' ? findModel(db, thing) : findVersion(db, thing)
}

function tracked(
  thing: Thing,
  row: { name: string; experiment_id: number; lifecycle: Subject['state']; root: string | null },
): Subject {
  const { name, lifecycle, root } = row
  return {
    ...thing,
    name,
    experimentId: String(row.experiment_id),
    state: lifecycle,
    position: null,
    root,
  }
}

/** The folder, if it is surely nobody else's: it is named after its owner. */
export function ownRoot(uri: string, end: string): string | null {
  const path = pathOfUri(uri)
  return path !== undefined && (path === end || path.endsWith(`/${end}`)) ? path : null
}

/** What the registry keeps aside under a position. */
export async function findAside(db: Db, position: number): Promise<Subject | undefined> {
  const model = await db
    .selectFrom('binned_models')
    .select('model')
    .where('position', '=', position)
    .executeTakeFirst()
  if (model !== undefined)
    return registered({ kind: 'registered-model', id: model.model }, position)
  const version = await db
    .selectFrom('binned_versions')
    .select(['model', 'version'])
    .where('position', '=', position)
    .executeTakeFirst()
  return version === undefined
    ? undefined
    : registered({ kind: 'model-version', id: `${version.model}/${version.version}` }, position)
}

async function findModel(db: Db, thing: Thing): Promise<Subject | undefined> {
  const row = await db
    .selectFrom('registered_models')
    .select('name')
    .where('name', '=', thing.id)
    .executeTakeFirst()
  if (row !== undefined) return registered(thing, null)
  const binned = await db
    .selectFrom('binned_models')
    .select('position')
    .where('model', '=', thing.id)
    .orderBy('position', 'desc')
    .executeTakeFirst()
  return binned === undefined ? undefined : registered(thing, binned.position)
}

async function findVersion(db: Db, thing: Thing): Promise<Subject | undefined> {
  const { model, version } = versionIn(thing.id)
  const row = await db
    .selectFrom('model_versions')
    .select('version')
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  if (row !== undefined) return registered(thing, null)
  const binned = await db
    .selectFrom('binned_versions')
    .select('position')
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('position', 'desc')
    .executeTakeFirst()
  return binned === undefined ? undefined : registered(thing, binned.position)
}

function registered(thing: Thing, position: number | null): Subject {
  return {
    ...thing,
    name: thing.id,
    experimentId: null,
    state: position === null ? 'active' : 'deleted',
    position,
    root: null,
  }
}

/** All files of the subject, some at a time. */
export async function* filesOf(db: Db, subject: Subject): AsyncGenerator<FileOf[]> {
  if (subject.kind === 'registered-model' || subject.kind === 'model-version') {
    yield* pages(async (after) => versionFiles(db, subject, after))
    return
  }
  for await (const root of rootsOf(db, subject))
    yield* pages(async (after) => {
      const rows = await db
        .selectFrom('artifact_files')
        .select(['path', 'digest', 'size_bytes'])
        .where(belowOrAt(root))
        .where('path', '>', after)
        .orderBy('path')
        .limit(PAGE)
        .execute()
      return rows.map(({ path, digest, size_bytes }) => ({ place: path, digest, size_bytes }))
    })
}

/** The folders that hold the files of a run, a logged model, or all of an experiment. */
export async function* rootsOf(db: Db, { kind, id, root }: Subject): AsyncGenerator<string> {
  if (root !== null) {
    yield root
    return
  }
  if (kind !== 'experiment') return
  for (const { table, key } of [
    { table: 'runs', key: 'run_id' },
    { table: 'logged_models', key: 'model_id' },
  ] as const) {
    let after = ''
    for (;;) {
      const { rows } = await sql<{ id: string; uri: string }>`
        select ${sql.ref(key)} as id, artifact_uri as uri from ${sql.table(table)}
        where experiment_id = ${Number(id)} and ${sql.ref(key)} > ${after}
        order by ${sql.ref(key)} limit ${PAGE}`.execute(db)
      for (const row of rows) {
        const own = ownRoot(row.uri, `${row.id}/artifacts`)
        if (own !== null) yield own
      }
      if (rows.length < PAGE) break
      after = rows.at(-1)?.id ?? ''
    }
  }
}

/** Everything below a folder: a range of the key, since `0` is what follows `/` among bytes. */
export function belowOrAt(root: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`(path > ${`${root}/`} and path < ${`${root}0`})`
}

interface Placed {
  place: string
  digest: string
  size_bytes: number
}

async function* pages(
  read: (after: string) => Promise<readonly Placed[]>,
): AsyncGenerator<FileOf[]> {
  let after = ''
  for (;;) {
    const rows = await read(after)
    if (rows.length > 0)
      yield rows.map(({ digest, size_bytes }) => ({ digest, sizeBytes: size_bytes }))
    if (rows.length < PAGE) return
    after = rows.at(-1)?.place ?? ''
  }
}

async function versionFiles(db: Db, subject: Subject, after: string): Promise<Placed[]> {
  const { kind, id, position } = subject
  const table = position === null ? 'model_version_files' : 'binned_version_files'
  const { model, version } =
    kind === 'model-version' ? versionIn(id) : { model: id, version: undefined }
  const own =
    position === null
      ? sql`model = ${model} ${version === undefined ? sql`` : sql`and version = ${version}`}`
      : sql`position = ${position} ${version === undefined ? sql`` : sql`and version = ${version}`}`
  const [number, path] = splitPlace(after)
  const { rows } = await sql<{ version: number; path: string; digest: string; size_bytes: number }>`
    select version, path, digest, size_bytes from ${sql.table(table)}
    where ${own} and (version > ${number} or (version = ${number} and path > ${path}))
    order by version, path limit ${PAGE}`.execute(db)
  return rows.map((row) => ({
    place: `${row.version} ${row.path}`,
    digest: row.digest,
    size_bytes: row.size_bytes,
  }))
}

function splitPlace(place: string): [number, string] {
  const at = place.indexOf(' ')
  return at === -1 ? [0, ''] : [Number(place.slice(0, at)), place.slice(at + 1)]
}
