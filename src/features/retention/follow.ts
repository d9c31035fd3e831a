import type { Entry, Follower } from '#ledger'
import type { WorkWrites } from '#work'
import { TRASH_TYPES } from './facts.ts'
import { purgeJob } from './jobs.ts'
import type { RetentionWrites } from './store.ts'
import type { Thing } from './thing.ts'
import { isOfRegistry } from './trash.ts'

export const TRASH_FOLLOWER = 'trash'

/** Keeps the list of the trash in step with what was deleted and restored, by whatever protocol. */
export function keepTrash({
  trashDays,
}: {
  trashDays: number
}): Follower<{ retention: RetentionWrites; work: WorkWrites }> {
  return {
    name: TRASH_FOLLOWER,
    types: [...TRASH_TYPES],
    follow: async (entry, { retention, work }) => {
      if (entry.type === 'registered-model-renamed') {
        const { from, model } = entry.data as { from: string; model: string }
        return retention.renameModel(from, model)
      }
      const thing = thingIn(entry)
      // A name of the registry may have been deleted more than once; its entry says which one is back.
      if (entry.type.endsWith('-restored'))
        return isOfRegistry(thing.kind)
          ? retention.dropTrashAt(entry.data['deletion'] as number)
          : retention.dropTrash(thing)
      await addDeleted(retention, entry, thing)
      if (trashDays === 0) await work.enqueue([purgeJob(`deletion ${entry.position}`)])
    },
  }
}

async function addDeleted(
  retention: RetentionWrites,
  { position, atMs, actor }: Entry,
  thing: Thing,
): Promise<void> {
  const kept = isOfRegistry(thing.kind)
    ? await retention.findAside(position)
    : await retention.find(thing)
  // An older entry may tell of something that was restored since, or is gone for good.
  if (kept === undefined || kept.state !== 'deleted') return
  await retention.addTrash({
    ...thing,
    position,
    name: kept.name,
    experimentId: kept.experimentId,
    deletedMs: atMs,
    deletedBy: actor.id,
    root: kept.root,
  })
}

function thingIn({ type, data }: Entry): Thing {
  if (type.startsWith('experiment-'))
    return { kind: 'experiment', id: data['experiment'] as string }
  if (type.startsWith('run-')) return { kind: 'run', id: data['run'] as string }
  if (type.startsWith('logged-model-')) return { kind: 'logged-model', id: data['model'] as string }
  if (type.startsWith('registered-model-'))
    return { kind: 'registered-model', id: data['model'] as string }
  const { model, version } = data as { model: string; version: number }
  return { kind: 'model-version', id: `${model}/${version}` }
}
