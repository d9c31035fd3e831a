import type { Kysely } from 'kysely'
import { sha256 } from '#base/digest'
import type { Json } from '#base/json'
import { entryIn, platformActor, type Entry } from '#ledger'
import { allHeld, NO_DESCRIPTION, type KeptChange, type SlotChange } from '#registry'
import { chunksOf } from '../chunks.ts'
import { rowOf } from './history.ts'
import { modelsNow, type ModelNow } from './present.ts'
import type { HistoryTables, RegistryTables } from './tables.ts'

type Ledger = { ledger_entries: { position: number; type: string; body: string } }
type Db = Kysely<RegistryTables & HistoryTables & Ledger>

interface Past {
  readonly changes: Change[]
  readonly names: Named[]
  /** The models that are there, by their names. */
  readonly models: Map<string, Known>
  /** How many changes stand at a position. */
  readonly ordinals: Map<number, number>
}

interface Known {
  readonly life: number
  /** The last change of each slot. */
  readonly slots: Map<string, Change>
  /** When the model and each of its versions began, by its slot. */
  readonly begun: Map<string, When>
}

type Change = Omit<KeptChange, 'after'> & { after: string | null }
type Named = HistoryTables['registry_names']
type When = Pick<Entry, 'position' | 'atMs' | 'actor'>

const PAGE = 1000

/**
 * Makes the history of a registry from before histories were kept: what the ledger tells, change by change. It did
 * not tell what models and versions had from their first moment, so what they have now and no entry gave them
 * counts as had from then.
 */
export async function pastOf(anyDb: Kysely<unknown>): Promise<void> {
  const db = anyDb as Db
  const past: Past = { changes: [], names: [], models: new Map(), ordinals: new Map() }
  for (let after = -1; ;) {
    const rows = await db
      .selectFrom('ledger_entries')
      .select(['position', 'body'])
      .where('position', '>', after)
      .where('type', 'in', Object.keys(TELLS))
      .orderBy('position')
      .limit(PAGE)
      .execute()
    for (const { body } of rows) follow(past, entryIn(body))
    after = rows.at(-1)?.position ?? after
    if (rows.length < PAGE) break
  }
  for (const model of await modelsNow(db)) completed(past, model)
  for (const chunk of chunksOf(past.names))
    await db.insertInto('registry_names').values(chunk).execute()
  for (const chunk of chunksOf(past.changes))
    await db.insertInto('registry_changes').values(chunk.map(rowOf)).execute()
}

function follow(past: Past, entry: Entry): void {
  const { type, data, position, atMs } = entry
  const name = textOf(type === RENAMED ? data['from'] : data['model']) ?? ''
  if (type === CREATED) begin(past, name, { life: position, createdMs: atMs })
  const known = past.models.get(name)
  const told = TELLS[type]?.(data)
  if (known === undefined || told === undefined) return
  keep(past, entry, known, told)
  if (told.kind !== 'model' || type === CREATED) return
  past.models.delete(name)
  const last = past.names.findLast(({ life }) => life === known.life)
  if (last !== undefined) last.until = position
  if (told.after === null || last === undefined) return
  past.models.set(told.after, known)
  past.names.push({ ...last, name: told.after, since: position, until: null })
}

const CREATED = 'registered-model-created'
const RENAMED = 'registered-model-renamed'

type Data = Readonly<Record<string, Json>>
type Told = Omit<SlotChange, 'before'>

/** What each fact tells; what was before follows from the facts before it. */
const TELLS: Readonly<Record<string, (data: Data) => Told>> = {
  [CREATED]: (data) => slot('model', null, data['model']),
  [RENAMED]: (data) => slot('model', null, data['model']),
  'registered-model-deleted': () => slot('model', null, null),
  'registered-model-noted': (data) => slot('description', null, data['note'] || null),
  'registered-model-tag-set': (data) => slot('tag', null, data['value'], data['key']),
  'registered-model-tag-deleted': (data) => slot('tag', null, null, data['key']),
  'model-alias-moved': (data) => slot('alias', null, data['version'], data['alias']),
  'model-version-registered': (data) => slot('version', data['version'], originIn(data)),
  'model-version-deleted': (data) => slot('version', data['version'], null),
  'model-version-noted': (data) => slot('description', data['version'], data['note'] || null),
  'model-version-staged': (data) =>
    slot('stage', data['version'], data['stage'] === 'none' ? null : data['stage']),
  'model-version-tag-set': (data) => slot('tag', data['version'], data['value'], data['key']),
  'model-version-tag-deleted': (data) => slot('tag', data['version'], null, data['key']),
}

function slot(
  kind: Told['kind'],
  version: Json | undefined,
  value: Json | undefined,
  key: Json = '',
): Told {
  const number = typeof version === 'number' ? version : null
  return { kind, version: number, key: textOf(key) ?? '', after: textOf(value) }
}

/** Long texts stand in the ledger as their digests. */
function textOf(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What the ledger tells of a version; where it is still there, its row tells the rest. */
function originIn(data: Data): string {
  const source = textOf(data['source']) ?? ''
  return JSON.stringify({
    source,
    location: source,
    runId: data['run'] ?? null,
    runLink: null,
    loggedModelId: data['loggedModel'] ?? null,
    digest: data['digest'] ?? null,
    description: NO_DESCRIPTION,
    createdMs: 0,
  })
}

function begin(past: Past, name: string, { life, createdMs }: { life: number; createdMs: number }) {
  const known: Known = { life, slots: new Map(), begun: new Map() }
  past.names.push({ life, name, since: life, until: null, created_ms: createdMs })
  past.models.set(name, known)
  return known
}

function keep(past: Past, when: When, { life, slots, begun }: Known, told: Told): void {
  const { position, atMs, actor } = when
  const name = slotName(told)
  const before = slots.get(name)?.after ?? null
  if (before === told.after) return
  const ordinal = past.ordinals.get(position) ?? 0
  past.ordinals.set(position, ordinal + 1)
  const change = { ...told, before, position, ordinal, life, atMs, actor, reason: null }
  slots.set(name, change)
  if (!begun.has(name)) begun.set(name, when)
  past.changes.push(change)
}

/** Adds what the model has now and no entry gave it, and puts texts where entries had their digests. */
function completed(past: Past, model: ModelNow): void {
  const known =
    past.models.get(model.name) ??
    // Nothing tells of it, so its history begins before that of all others.
    begin(past, model.name, { life: -1 - past.names.length, createdMs: model.createdMs })
  for (const held of allHeld(model, model.versions)) {
    const told = known.slots.get(slotName(held))
    if (told === undefined) keep(past, startOf(model, known, held), known, held)
    else if (isDigestOf(told, held)) told.after = held.after
  }
}

function isDigestOf(told: Change, { kind, after }: SlotChange): boolean {
  if (told.after === null || after === null) return false
  return kind === 'version' || told.after.includes(sha256(after))
}

/** When a model or a version began. */
function startOf(model: ModelNow, { life, begun }: Known, { version }: SlotChange): When {
  const first = begun.get(
    slotName({ kind: version === null ? 'model' : 'version', version, key: '' }),
  )
  return first ?? { position: life, atMs: model.createdMs, actor: platformActor('registry') }
}

function slotName({ kind, version, key }: Pick<SlotChange, 'kind' | 'version' | 'key'>): string {
  return JSON.stringify([kind, version, key])
}
