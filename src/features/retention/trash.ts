import type { Kind, Subject, Thing } from './thing.ts'

/** Something deleted, with who did it; its number is that of the ledger entry that tells of the deletion. */
export interface TrashItem extends Thing {
  readonly position: number
  readonly name: string
  readonly experimentId: string | null
  readonly deletedMs: number
  readonly deletedBy: string
  /** `purging`: it cannot be restored any more, and some of its rows may be gone. */
  readonly state: 'trashed' | 'purging' | 'purged'
  /** Who asked to have it purged before its time. */
  readonly askedBy: string | null
  readonly purgedMs: number | null
  readonly purgedBy: string | null
  readonly files: number
  /** The sizes of all its files, whether or not something else needs the same bytes. */
  readonly sizeBytes: number
  /** Rows removed so far, by table. */
  readonly removed: Readonly<Record<string, number>>
  /** The folder of its files in the artifact tree. */
  readonly root: string | null
}

export type NewTrash = Pick<
  TrashItem,
  'position' | 'kind' | 'id' | 'name' | 'experimentId' | 'deletedMs' | 'deletedBy' | 'root'
>

const DAY_MS = 86_400_000

/** When the item is purged unless somebody restores or holds it. */
export function purgeAtMs({ deletedMs }: Pick<TrashItem, 'deletedMs'>, trashDays: number): number {
  return deletedMs + daysMs(trashDays)
}

export function daysMs(days: number): number {
  return Math.round(days * DAY_MS)
}

/** Things whose deletion is kept aside in the registry: they are out of its tables at once. */
export function isOfRegistry(kind: Kind): boolean {
  return kind === 'registered-model' || kind === 'model-version'
}

/** The item as what it was, for whoever counts its rows and files. */
export function subjectOf(item: NewTrash): Subject {
  const { kind, id, name, experimentId, root, position } = item
  return {
    kind,
    id,
    name,
    experimentId,
    state: 'deleted',
    position: isOfRegistry(kind) ? position : null,
    root,
  }
}
