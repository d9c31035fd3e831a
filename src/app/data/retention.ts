import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import type { Registry } from '#registry'
import {
  createRetention,
  shareObjects,
  type PlacedModels,
  type Referrer,
  type Retention,
  type SharedObjects,
} from '#retention'
import type { Serving, ServingReads } from '#serving'
import type { Tracking } from '#tracking'
import type { SqlStore } from '#stores/sql/index'
import type { Ground } from '../ground.ts'
import type { Places } from '../home/places.ts'

/** The places, with an object store that knows of puts and removals at the same time. */
export function sharing(
  places: Places,
  { isShared, read }: Pick<SqlStore, 'isShared' | 'read'>,
): Places & { shared: SharedObjects } {
  const shared = isShared
    ? shareObjects(places.objects, read.retention.isCondemned)
    : shareObjects(places.objects)
  return { ...places, objects: shared.objects, shared }
}

/** Trash, holds and the freeing of objects, over everything that refers to bytes. */
export function retentionOf(
  { config, store, clock, ids, shared }: Ground,
  { tracking, registry, serving }: { tracking: Tracking; registry: Registry; serving: Serving },
): Retention {
  return createRetention({
    read: store.read.retention,
    transact: store.transact,
    tracking,
    registry,
    shared,
    others: referrersOutside(serving),
    placed: placedModels(join(config.home, 'serving')),
    reclaim: store.reclaim,
    clock,
    ids,
    trashDays: config.trashDays,
    graceMs: config.objectGraceMs,
  })
}

/** Whatever keeps digests of objects anywhere but in the metadata store, which knows its own columns. */
function referrersOutside(serving: Serving): Referrer[] {
  return [serving]
}

/** Throws `conflict` when an endpoint answers with the version, or with any of the model, also unseen. */
export async function assertServesNot(
  read: ServingReads,
  model: string,
  version?: number,
): Promise<void> {
  for (const { name, answering, shadowing } of await read.list()) {
    const serving = [...answering.map(({ revision }) => revision), ...shadowing].find(
      (revision) =>
        revision.model === model && (version === undefined || revision.version === version),
    )
    if (serving !== undefined)
      throw new Problem(
        'conflict',
        `${model} version ${serving.version} is what the endpoint ${name} answers with; point that at another version first`,
      )
  }
}

/** Folders of model files beside the object store; on one file system they share its bytes, which are free only without them. */
function placedModels(folder: string): PlacedModels {
  return {
    list: async () => {
      const names = await readdir(folder).catch(() => [])
      const placed: { digest: string; modifiedMs: number }[] = []
      for (const digest of names) {
        if (!/^[0-9a-f]{64}$/.test(digest)) continue
        const found = await stat(join(folder, digest)).catch(() => undefined)
        if (found !== undefined) placed.push({ digest, modifiedMs: found.mtimeMs })
      }
      return placed
    },
    remove: (digest) => rm(join(folder, digest), { recursive: true, force: true }),
  }
}

const LOOK_MS = 60 * 60 * 1000
const DAY_MS = 24 * LOOK_MS

/** Has the trash looked through every hour until the server stops, and objects once a day. */
export async function sweepPeriodically(
  { clock, logger, replicas, onStop }: Ground,
  retention: Retention,
): Promise<void> {
  const look = async () => {
    if (!replicas.leads()) return
    const nowMs = clock.nowMs()
    await retention.sweepFor({ occasion: `hour ${Math.floor(nowMs / LOOK_MS)}` })
    await retention.sweepFor({ occasion: `day ${Math.floor(nowMs / DAY_MS)}`, whole: true })
  }
  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'the trash could not be looked through')
    })
  }, LOOK_MS)
  onStop(() => clearInterval(timer))
  await look()
}
