import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { Registry } from '#registry'
import type { Tracking } from '#tracking'
import type { WorkWrites } from '#work'
import * as facts from './facts.ts'
import { purgeJob } from './jobs.ts'
import { blocksPurge, obstaclesOf, type Obstacle } from './obstacle.ts'
import { goneOrUnknown, subjectsOf } from './preview.ts'
import type { RetentionReads, RetentionWrites } from './store.ts'
import { checkedThing, versionIn, wordsOf, type Thing } from './thing.ts'
import { subjectOf, type TrashItem } from './trash.ts'

/** An item of the trash, by the thing it was or by its number. */
export type Which = Thing | { readonly position: number }

export interface Restored extends Thing {
  /** Aliases that the registry could not set again, because they point elsewhere now or are protected. */
  readonly aliasesLeft: readonly string[]
}

export interface Bin {
  /** Moves things to the trash, as their own protocols do. Throws `conflict` for what is serving. */
  delete(actor: Actor, things: readonly Thing[]): Promise<Thing[]>
  restore(actor: Actor, which: readonly Which[]): Promise<Restored[]>
  /** Has items purged before their time; gives those that something holds, which stay. */
  purge(
    actor: Actor,
    which: readonly Which[] | 'all',
  ): Promise<{ asked: TrashItem[]; held: { item: TrashItem; obstacles: Obstacle[] }[] }>
}

interface Dependencies {
  readonly read: RetentionReads
  readonly transact: Transact<{ retention: RetentionWrites; work: WorkWrites }>
  readonly tracking: Tracking
  readonly registry: Registry
  readonly clock: { nowMs(): number }
}

const PAGE = 500

export function createBin(dependencies: Dependencies): Bin {
  const { read, clock, tracking } = dependencies
  return {
    delete: async (actor, given) => {
      const things = given.map(checkedThing)
      const subjects = await subjectsOf(read, things)
      for (const subject of subjects) {
        const obstacle = obstaclesOf(subject, await read.dependents(subject), clock.nowMs()).find(
          ({ blocks }) => blocks === 'delete',
        )
        if (obstacle !== undefined)
          throw new Problem(
            'conflict',
            `${wordsOf(subject)} is not deleted: ${obstacle.why}; ${obstacle.todo}`,
          )
      }
      const active = subjects.filter(({ state }) => state === 'active')
      for (const subject of active) await deleteOne(dependencies, actor, subject)
      return things
    },
    restore: async (actor, which) => {
      const items = await Promise.all(which.map((each) => itemOf(read, each)))
      const restored: Restored[] = []
      for (const item of items) restored.push(await restoreOne(dependencies, actor, item))
      return restored
    },
    purge: async (actor, which) => {
      const items =
        which === 'all'
          ? await allOf(read)
          : await Promise.all(which.map((each) => itemOf(read, each)))
      return askPurge(dependencies, actor, items)
    },
  }

  async function restoreOne(
    { registry }: Dependencies,
    actor: Actor,
    item: TrashItem,
  ): Promise<Restored> {
    const { kind, id, position } = item
    if (item.state !== 'trashed')
      throw new Problem(
        'conflict',
        `${wordsOf(item)} is being purged, so it cannot be restored any more`,
      )
    if (kind !== 'experiment' && item.experimentId !== null) {
      const experiment = await read.find({ kind: 'experiment', id: item.experimentId })
      if (experiment?.state !== 'active')
        throw new Problem(
          'conflict',
          `${wordsOf(item)} belongs to the experiment ${item.experimentId}, which is deleted; restore that: orrery trash restore experiment ${item.experimentId}`,
        )
    }
    if (kind === 'run') await tracking.restoreRun(actor, id)
    else if (kind === 'experiment') await tracking.experiments.restore(actor, id)
    else if (kind === 'logged-model') await tracking.loggedModels.restore(actor, id)
    else return { kind, id, aliasesLeft: (await registry.restore(actor, position)).aliasesLeft }
    return { kind, id, aliasesLeft: [] }
  }
}

async function deleteOne(
  { tracking, registry }: Dependencies,
  actor: Actor,
  { kind, id }: Thing,
): Promise<void> {
  if (kind === 'run') await tracking.deleteRun(actor, id)
  else if (kind === 'experiment') await tracking.experiments.delete(actor, id)
  else if (kind === 'logged-model') await tracking.loggedModels.delete(actor, id)
  else if (kind === 'registered-model') await registry.models.delete(actor, id)
  else {
    const { model, version } = versionIn(id)
    await registry.versions.delete(actor, model, version)
  }
}

/** Throws `not-found` for what is not in the trash. */
async function itemOf(read: RetentionReads, which: Which): Promise<TrashItem> {
  const item =
    'position' in which
      ? await read.findTrash(which.position)
      : await read.newestTrash(checkedThing(which))
  if (item !== undefined && item.state !== 'purged') return item
  if (item !== undefined) throw await goneOrUnknown(read, item)
  throw new Problem(
    'not-found',
    `${'position' in which ? `item ${which.position}` : wordsOf(which)} is not in the trash; see "orrery trash list"`,
  )
}

async function allOf(read: RetentionReads): Promise<TrashItem[]> {
  const items: TrashItem[] = []
  for (;;) {
    const before = items.at(-1)?.position
    const page = await read.trash({ limit: PAGE, ...(before === undefined ? {} : { before }) })
    items.push(...page)
    if (page.length < PAGE) return items
  }
}

/** What is held is not asked for: it would be purged at once when the hold ends, and nobody would expect it then. */
async function askPurge(
  { read, transact, clock }: Dependencies,
  actor: Actor,
  items: readonly TrashItem[],
): ReturnType<Bin['purge']> {
  const asked: TrashItem[] = []
  const held: { item: TrashItem; obstacles: Obstacle[] }[] = []
  // A version in the same trash that goes too holds nothing.
  const going = new Set(items.filter(({ kind }) => kind === 'model-version').map(({ id }) => id))
  const models = new Set(
    items.filter(({ kind }) => kind === 'registered-model').map(({ id }) => id),
  )
  for (const item of items) {
    const subject = subjectOf(item)
    const dependents = await read.dependents(subject)
    const stays = (version: { model: string; version: number; isInTrash: boolean }) =>
      !version.isInTrash ||
      !(models.has(version.model) || going.has(`${version.model}/${version.version}`))
    const left = {
      ...dependents,
      versions: { ...dependents.versions, some: dependents.versions.some.filter(stays) },
      trained: { ...dependents.trained, some: dependents.trained.some.filter(stays) },
    }
    const obstacles = obstaclesOf(subject, left, clock.nowMs()).filter(blocksPurge)
    if (obstacles.length === 0) asked.push(item)
    else held.push({ item, obstacles })
  }
  if (asked.length === 0) return { asked, held }
  await transact(async ({ retention, work, ledger }) => {
    await retention.askPurge(
      asked.map(({ position }) => position),
      actor.id,
    )
    const positions = await ledger.append(actor, facts.purgeAsked(asked))
    await work.enqueue([purgeJob(`request ${positions[0]}`)])
  })
  return { asked, held }
}
