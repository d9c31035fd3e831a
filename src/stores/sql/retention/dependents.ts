import { sql, type Kysely } from 'kysely'
import { versionIn, type Dependents, type Hold, type Several, type Subject } from '#retention'
import type { RetentionTables } from './tables.ts'

type Db = Kysely<RetentionTables>

/** So many are named; more would not be read. */
const NAMED_MAX = 20
const NONE: Several<never> = { count: 0, some: [] }

/** What else leads to the subject or comes from it. */
export async function dependentsOf(db: Db, subject: Subject): Promise<Dependents> {
  const { kind, id } = subject
  const ofRegistry = kind === 'registered-model' || kind === 'model-version'
  const live = ofRegistry && subject.position === null
  return {
    versions: ofRegistry ? NONE : await versionsOf(db, subject),
    trained: kind === 'run' || kind === 'experiment' ? await trainedWith(db, subject) : NONE,
    aliases: live ? await aliasesOf(db, subject) : NONE,
    revisions: ofRegistry ? await revisionsOf(db, subject) : NONE,
    promotions: ofRegistry ? await promotionsOf(db, subject) : NONE,
    childRuns:
      kind === 'run'
        ? await several(
            db,
            sql`select run_id as "runId" from runs child where exists (
            select 1 from run_tags t where t.run_id = child.run_id
            and t.key = 'mlflow.parentRunId' and t.value = ${id})`,
          )
        : NONE,
    loggedModels:
      kind === 'run'
        ? await several(
            db,
            sql`select model_id as "modelId" from logged_models where source_run_id = ${id} and lifecycle = 'active'`,
          )
        : NONE,
    activeRuns:
      kind === 'experiment' && subject.state === 'deleted'
        ? await several(
            db,
            sql`select run_id as "runId" from runs where experiment_id = ${Number(id)} and lifecycle = 'active'`,
          )
        : NONE,
    holds: await holdsOn(db, subject),
  }
}

async function several<T>(db: Db, query: ReturnType<typeof sql>): Promise<Several<T>> {
  const { rows } = await sql<T>`select * from (${query}) found limit ${NAMED_MAX}`.execute(db)
  if (rows.length < NAMED_MAX) return { count: rows.length, some: rows }
  const counted = await sql<{
    count: number
  }>`select count(*) as count from (${query}) found`.execute(db)
  return { count: counted.rows[0]?.count ?? rows.length, some: rows }
}

type Version = { model: string; version: number; isInTrash: boolean }

async function versionsWhere(db: Db, where: ReturnType<typeof sql>): Promise<Several<Version>> {
  const found = await several<Omit<Version, 'isInTrash'> & { binned: number }>(
    db,
    sql`select model, version, 0 as binned from model_versions where ${where}
      union all select model, version, 1 as binned from binned_versions where ${where}`,
  )
  return {
    count: found.count,
    some: found.some.map(({ model, version, binned }) => ({
      model,
      version,
      isInTrash: binned === 1,
    })),
  }
}

function runsOf({ kind, id }: Subject) {
  return kind === 'run'
    ? sql`select run_id from runs where run_id = ${id}`
    : sql`select run_id from runs where experiment_id = ${Number(id)}`
}

function versionsOf(db: Db, subject: Subject): Promise<Several<Version>> {
  const { kind, id } = subject
  if (kind === 'logged-model') return versionsWhere(db, sql`logged_model_id = ${id}`)
  const runs = runsOf(subject)
  if (kind === 'run') return versionsWhere(db, sql`run_id in (${runs})`)
  return versionsWhere(
    db,
    sql`(run_id in (${runs}) or logged_model_id in
      (select model_id from logged_models where experiment_id = ${Number(id)}))`,
  )
}

/** Versions made by other stages of the pipeline runs that these runs were stages of. */
function trainedWith(db: Db, subject: Subject): Promise<Several<Version>> {
  const runs = runsOf(subject)
  return versionsWhere(
    db,
    sql`run_id in (select other.run from stage_runs own
        join stage_runs other on other.pipeline_run = own.pipeline_run
        where own.run in (${runs})) and run_id not in (${runs})`,
  )
}

function ownVersions({ kind, id }: Subject) {
  if (kind === 'registered-model') return sql`model = ${id}`
  const { model, version } = versionIn(id)
  return sql`model = ${model} and version = ${version}`
}

function aliasesOf(db: Db, subject: Subject): Promise<Dependents['aliases']> {
  return several(
    db,
    sql`select model, alias, version from model_aliases where ${ownVersions(subject)} order by alias`,
  )
}

async function revisionsOf(db: Db, subject: Subject): Promise<Dependents['revisions']> {
  const found = await several<{ endpoint: string; number: number }>(
    db,
    sql`select endpoint, number from revisions where ${ownVersions(subject)} order by created_ms desc`,
  )
  const serving = await servingNumbers(db)
  const live = await sql<{ endpoint: string; number: number }>`
    select endpoint, number from revisions where ${ownVersions(subject)}`.execute(db)
  const answering = live.rows.filter(({ endpoint, number }) => serving.has(`${endpoint}/${number}`))
  // What serves now is told first, however long ago it was made.
  const some = [
    ...answering.map(({ endpoint, number }) => ({ endpoint, number, isLive: true })),
    ...found.some
      .filter(({ endpoint, number }) => !serving.has(`${endpoint}/${number}`))
      .map(({ endpoint, number }) => ({ endpoint, number, isLive: false })),
  ]
  return { count: found.count, some: some.slice(0, NAMED_MAX) }
}

/** The revisions that answer now, also unseen, as `endpoint/number`. */
async function servingNumbers(db: Db): Promise<Set<string>> {
  const endpoints = await db.selectFrom('endpoints').select(['name', 'live', 'shadowing']).execute()
  return new Set(
    endpoints.flatMap(({ name, live, shadowing }) =>
      [...(live === null ? [] : [live]), ...(JSON.parse(shadowing) as number[])].map(
        (number) => `${name}/${number}`,
      ),
    ),
  )
}

/** The digests of the models that answer now. */
export async function servedModels(db: Db): Promise<string[]> {
  const serving = await servingNumbers(db)
  const rows = await db.selectFrom('revisions').select(['endpoint', 'number', 'digest']).execute()
  return rows
    .filter(({ endpoint, number }) => serving.has(`${endpoint}/${number}`))
    .map(({ digest }) => digest)
}

async function promotionsOf(db: Db, subject: Subject): Promise<Dependents['promotions']> {
  const found = await several<{ id: string; outcome: string }>(
    db,
    sql`select id, outcome from promotions where ${ownVersions(subject)} order by created_ms desc`,
  )
  return {
    count: found.count,
    some: found.some.map(({ id, outcome }) => ({
      id,
      isOpen: (JSON.parse(outcome) as { state: string }).state === 'checking',
    })),
  }
}

/** Holds on the subject, on what it is part of, and on what is part of it. */
async function holdsOn(db: Db, subject: Subject): Promise<Hold[]> {
  const { kind, id, experimentId } = subject
  const rows = await db
    .selectFrom('holds')
    .selectAll()
    .where((e) => {
      const on = (of: string, target: string) =>
        e.and([e('kind', '=', of), e('target', '=', target)])
      const found = [on(kind, id)]
      if (kind !== 'experiment' && experimentId !== null) found.push(on('experiment', experimentId))
      if (kind === 'experiment') {
        const runs = sql<string>`(select run_id from runs where experiment_id = ${Number(id)})`
        const models = sql<string>`(select model_id from logged_models where experiment_id = ${Number(id)})`
        found.push(e.and([e('kind', '=', 'run'), e('target', 'in', runs)]))
        found.push(e.and([e('kind', '=', 'logged-model'), e('target', 'in', models)]))
      }
      if (kind === 'model-version') found.push(on('registered-model', versionIn(id).model))
      if (kind === 'registered-model')
        found.push(e.and([e('kind', '=', 'model-version'), e('model', '=', id)]))
      return e.or(found)
    })
    .orderBy('id')
    .limit(NAMED_MAX)
    .execute()
  return rows.map(holdOf)
}

export function holdOf(row: RetentionTables['holds']): Hold {
  return {
    id: row.id,
    target: { kind: row.kind as Hold['target']['kind'], id: row.target },
    reason: row.reason,
    placedBy: row.placed_by,
    placedMs: row.placed_ms,
    untilMs: row.until_ms,
  }
}
