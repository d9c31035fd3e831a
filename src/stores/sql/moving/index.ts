import { existsSync } from 'node:fs'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import { verifyLedger, type Verdict } from '#ledger'
import { migrations } from '../migrations/index.ts'
import { holdDatabase } from '../postgres/hold.ts'
import { isPostgresUrl } from '../postgres/url.ts'
import {
  contentOf,
  digestOf,
  unlike,
  type Content,
  type End,
  type Misfit,
  type Move,
  type Receiving,
} from './end.ts'
import { openPostgresEnd } from './postgres-end.ts'
import { notInUse } from './refuse.ts'
import { openSqliteEnd } from './sqlite-end.ts'
import { differencesOf, inOrder, type Table } from './table.ts'
import { lookAt, refuseFull, type Target } from './target.ts'
import type { Batch } from './tuple.ts'

export type { Content } from './end.ts'

export interface Wanted {
  /** A `postgres://` URL or a SQLite file. */
  readonly from: string
  readonly to: string
  /** The public key of the ledger. */
  readonly verifier: string
  readonly how: 'move' | 'only look'
}

/** Shows how far it has come. */
export interface Shown {
  add(rows: number, table: string): void
  end(): void
}

export interface MoveWorld {
  readonly clock: Clock
  readonly ids: Ids
  show(what: string, total: number | undefined): Shown
}

/** `finished`: an earlier move had ended but for its last steps. */
export type MovedStore =
  | { readonly end: 'finished'; readonly from: string; readonly to: string; readonly id: string }
  | {
      readonly end: 'moved' | 'looked at'
      readonly id: string
      readonly from: string
      readonly to: string
      readonly contents: readonly Content[]
      /** Over all of them. */
      readonly digest: string
      readonly ledger: Pick<Verdict, 'entries' | 'head'>
      /** The name that a file was given whose place the target took. */
      readonly setAside: string | undefined
    }

/**
 * Moves all rows of one database to another that holds nothing. Whatever happens on the way, the source stays as it
 * is and in use; once the copy is there, whole and held against the source, the source is marked as left, and then the
 * copy as in use. Given again after it was cut off anywhere, it goes on or starts over.
 */
export async function moveStore(wanted: Wanted, world: MoveWorld): Promise<MovedStore> {
  const source = await openSource(wanted.from)
  try {
    const target = await lookAt(wanted.to)
    try {
      return await moved(wanted, world, { source, target })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

interface Ends {
  readonly source: End
  readonly target: Target
}

async function moved(wanted: Wanted, world: MoveWorld, ends: Ends): Promise<MovedStore> {
  const { source, target } = ends
  const places = { from: source.place, to: target.place }
  const earlier = (await source.moves()).find(({ state }) => state !== 'arrived')
  if (earlier?.state === 'left') {
    const arrived = target.moves.find(({ id }) => id === earlier.id)
    const onward = target.moves.find(({ state }) => state === 'left')
    if (arrived === undefined) throw notInUse(source.place, earlier)
    if (onward !== undefined) throw notInUse(target.place, onward)
    if (wanted.how === 'move' && arrived.state === 'arriving')
      await target.putToUse({ ...arrived, state: 'arrived' })
    return { end: 'finished', id: earlier.id, ...places }
  }
  if (earlier !== undefined) throw notInUse(source.place, earlier)
  await refuseOtherSteps(source)
  const waiting = target.moves.find(({ state }) => state === 'arriving')
  refuseFull(target, { from: source.place, waiting })

  const tables = inOrder(await source.tables())
  const ledger = await wholeLedger(source, wanted.verifier)
  const contents = await surveyed(source, tables, world)
  const before = { ...places, contents, digest: digestOf(contents), ledger }
  if (wanted.how === 'only look')
    return { end: 'looked at', id: '', setAside: undefined, ...before }

  const copied = { tables, contents, ledger, verifier: wanted.verifier }
  const move =
    waiting !== undefined && (await isSame(target, copied, world))
      ? waiting
      : await copyAll(ends, copied, world)
  await source.note({ ...move, state: 'left', place: target.place, atMs: world.clock.nowMs() })
  await target.putToUse({ ...move, state: 'arrived' })
  return { end: 'moved', id: move.id, setAside: target.setAside(), ...before }
}

async function openSource(place: string): Promise<End> {
  if (isPostgresUrl(place)) {
    const hold = await holdDatabase(place)
    try {
      return await openPostgresEnd(hold)
    } catch (error) {
      await hold.close()
      throw error
    }
  }
  if (!existsSync(place))
    throw new Problem(
      'not-found',
      `${place} holds no installation; name the right --home or --from`,
    )
  try {
    return openSqliteEnd(place)
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error
    throw new Problem('conflict', `${place} is not a database; name the right --from`)
  }
}

async function refuseOtherSteps({ steps, place }: End): Promise<void> {
  const taken = new Set(await steps())
  if (taken.size === 0)
    throw new Problem(
      'not-found',
      `${place} holds no installation; name the right --home or --from`,
    )
  const unknown = [...taken].filter((name) => !migrations.some((each) => each.name === name))
  if (unknown.length > 0)
    throw new Problem(
      'conflict',
      `${place} was written by a newer version of Orrery (it has ${unknown.join(', ')}); move it with that version`,
    )
  const due = migrations.filter(({ name }) => !taken.has(name))
  if (due.length > 0)
    throw new Problem(
      'conflict',
      `${place} was written by an older version of Orrery (it lacks ${due.map(({ name }) => name).join(', ')}); start this version on it once, stop it, and move it then`,
    )
}

async function wholeLedger(end: End, verifier: string): Promise<Pick<Verdict, 'entries' | 'head'>> {
  const { entries, head, faults } = await verifyLedger(end.evidence(), verifier)
  if (faults.length > 0)
    throw new Problem(
      'conflict',
      `the ledger in ${end.place} is not whole: ${faults.slice(0, 5).join('; ')}; see "orrery audit verify"`,
    )
  return { entries, head }
}

async function surveyed(
  source: End,
  tables: readonly Table[],
  world: MoveWorld,
): Promise<Content[]> {
  const shown = world.show('rows looked at', undefined)
  const { contents, misfits } = await contentOf(source, tables, shown.add)
  shown.end()
  if (misfits.length === 0) return contents
  const lines = misfits.map(({ where, what }) => `\n  ${where}: ${what}`)
  throw new Problem(
    'conflict',
    `the other database cannot keep everything that ${source.place} holds, so nothing was copied; change or delete these on a server and try again:${lines.join('')}`,
    { misfits },
  )
}

interface Copied {
  readonly tables: readonly Table[]
  readonly contents: readonly Content[]
  readonly ledger: Pick<Verdict, 'entries' | 'head'>
  readonly verifier: string
}

/** Whether a copy that was never put to use still is one of the source. */
async function isSame(target: Target, copied: Copied, world: MoveWorld): Promise<boolean> {
  const differing = differencesOf(copied.tables, await target.end().tables())
  return differing.length === 0 && (await faultsOf(target.end(), copied, world)).length === 0
}

async function copyAll({ source, target }: Ends, copied: Copied, world: MoveWorld): Promise<Move> {
  const { tables, contents } = copied
  const total = rowsIn(contents)
  const id = world.ids.ulid()
  const receiving = await target.receive(world.clock)
  const differing = differencesOf(tables, await receiving.tables())
  if (differing.length > 0)
    throw new Problem(
      'conflict',
      `${source.place} and a new database are not made alike: ${differing.join('; ')}; remove what no version of Orrery made`,
    )
  const shown = world.show('rows copied', total)
  for (const table of tables) await receiving.write(table, counted(source, table, shown))
  await receiving.finish(tables)
  shown.end()
  const faults = await faultsOf(receiving, copied, world)
  if (faults.length > 0)
    throw new Problem('conflict', `the copy is not what was copied: ${faults.join('; ')}`)
  const move: Move = { id, state: 'arriving', place: source.place, atMs: world.clock.nowMs() }
  await receiving.keep(move)
  return move
}

async function* counted(source: End, table: Table, shown: Shown): AsyncGenerator<Batch> {
  for await (const batch of source.rows(table, neverNow)) {
    yield batch
    shown.add(batch.rows, table.name)
  }
}

function neverNow({ where, what }: Misfit): never {
  throw new Error(`${where}: ${what}, which it did not before`)
}

/** What a copy has otherwise than its source: counts, digests, and the ledger recomputed from its entries. */
async function faultsOf(
  end: Pick<Receiving, 'rows' | 'evidence'>,
  { tables, contents, ledger, verifier }: Copied,
  world: MoveWorld,
): Promise<string[]> {
  const shown = world.show('rows compared', rowsIn(contents))
  const there = await contentOf(end, tables, shown.add)
  shown.end()
  const verdict = await verifyLedger(end.evidence(), verifier)
  return [
    ...there.misfits.map(({ where, what }) => `${where}: ${what}`),
    ...unlike(contents, there.contents),
    ...verdict.faults,
    ...(verdict.head === ledger.head ? [] : ['the ledger has another head']),
  ]
}

function rowsIn(contents: readonly Content[]): number {
  return contents.reduce((sum, { rows }) => sum + rows, 0)
}
