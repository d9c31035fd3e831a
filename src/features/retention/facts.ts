import type { Fact } from '#ledger'
import type { FileOf } from './store.ts'
import type { Hold } from './hold.ts'
import type { TrashItem } from './trash.ts'

/** What tells that something went to the trash or came back, or is called otherwise there. */
export const TRASH_TYPES = [
  'experiment-deleted',
  'experiment-restored',
  'run-deleted',
  'run-restored',
  'logged-model-deleted',
  'logged-model-restored',
  'registered-model-deleted',
  'registered-model-restored',
  'registered-model-renamed',
  'model-version-deleted',
  'model-version-restored',
] as const

export function purged(item: TrashItem): Fact {
  const { kind, id, deletedBy, deletedMs, removed, files, sizeBytes, position, askedBy } = item
  return {
    type: `${kind}-purged`,
    data: {
      [kind === 'registered-model' ? 'model' : kind.replace('-', '_')]: id,
      deletion: position,
      deletedBy,
      deletedAt: new Date(deletedMs).toISOString(),
      askedBy,
      rows: removed,
      files,
      bytes: sizeBytes,
    },
  }
}

/** So many digests fit into an entry of the ledger. */
export const FREED_MAX = 500

export function objectsFreed(objects: readonly FileOf[], collection: string): Fact {
  return {
    type: 'objects-freed',
    data: {
      collection,
      objects: objects.length,
      bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      digests: objects.map(({ digest }) => digest),
    },
  }
}

export function purgeAsked(items: readonly TrashItem[]): Fact[] {
  return items.map(({ kind, id, position }) => ({
    type: 'purge-requested',
    data: { kind, id, deletion: position },
  }))
}

export function holdPlaced({ id, target, reason, untilMs }: Hold): Fact {
  return {
    type: 'hold-placed',
    data: {
      hold: id,
      kind: target.kind,
      id: target.id,
      reason,
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
    },
  }
}

export function holdRemoved({ id, target, reason }: Hold): Fact {
  return { type: 'hold-removed', data: { hold: id, kind: target.kind, id: target.id, reason } }
}
