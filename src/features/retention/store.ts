import type { Dependents } from './obstacle.ts'
import type { Hold } from './hold.ts'
import type { Kind, Subject, Thing } from './thing.ts'
import type { NewTrash, TrashItem } from './trash.ts'

export interface FileOf {
  readonly digest: string
  readonly sizeBytes: number
}

/** One sweep over trash and objects. */
export interface Collection {
  readonly id: string
  readonly startedMs: number
  readonly endedMs: number | null
  /** Things purged. */
  readonly items: number
  /** Things that are due and stay, because something holds them. */
  readonly held: number
  /** What was freed in the object store. */
  readonly objects: number
  readonly bytes: number
  /** Objects that nothing refers to and that are too young to go. */
  readonly youngObjects: number
  readonly youngBytes: number
  /** All that the object store held at the end. */
  readonly keptObjects: number
  readonly keptBytes: number
}

export interface StorageFigures {
  readonly artifacts: FigureOf
  readonly versions: FigureOf
  readonly segments: FigureOf
  readonly trash: FigureOf
}

export interface FigureOf {
  readonly objects: number
  /** Each object once, however many refer to it; null where sizes are not kept. */
  readonly bytes: number | null
}

export interface RetentionReads {
  /** What is in the trash, deleted last first. */
  trash(page: { before?: number; limit: number; kind?: Kind; id?: string }): Promise<TrashItem[]>
  findTrash(position: number): Promise<TrashItem | undefined>
  /** The last deletion of a thing, whatever came of it. */
  newestTrash(thing: Thing): Promise<TrashItem | undefined>
  /** In the order of their deletion: deleted before then, asked for, or begun. */
  due(page: { deletedUntilMs: number; after: number; limit: number }): Promise<TrashItem[]>
  /** Purged since then. */
  purgedSince(purgedMs: number): Promise<TrashItem[]>
  /** The purge that took a thing away, by itself or along with its experiment or model. */
  purgeOf(thing: { kind: string; id: string }): Promise<TrashItem | undefined>
  findHold(id: string): Promise<Hold | undefined>
  holds(page: { after?: string; limit: number }): Promise<Hold[]>
  /** The thing as it is now, in its place or kept aside. */
  find(thing: Thing): Promise<Subject | undefined>
  /** What the registry keeps aside under the entry that deleted it. */
  findAside(position: number): Promise<Subject | undefined>
  /** How many rows of each table go with it. */
  rows(subject: Subject): Promise<Record<string, number>>
  /** All its files, some at a time. */
  files(subject: Subject): AsyncIterable<readonly FileOf[]>
  dependents(subject: Subject): Promise<Dependents>
  /** How many rows refer to each of these objects; those without any are left out. */
  references(digests: readonly string[]): Promise<Map<string, number>>
  /** Digests of the models that endpoints answer with now. */
  servedModels(): Promise<string[]>
  /** Whether a collection that is under way, or was broken off, may remove the object. */
  isCondemned(digest: string): Promise<boolean>
  condemned(): Promise<FileOf[]>
  findCollection(id: string): Promise<Collection | undefined>
  newestCollection(): Promise<Collection | undefined>
  figures(): Promise<StorageFigures>
}

export interface RetentionWrites extends RetentionReads {
  /** Keeps the item unless one of its position is there. */
  addTrash(item: NewTrash): Promise<void>
  /** Takes a restored thing off the list; of an experiment, its runs too. */
  dropTrash(thing: Thing): Promise<void>
  dropTrashAt(position: number): Promise<void>
  askPurge(positions: readonly number[], by: string): Promise<void>
  /** Takes a registered model's new name along to what is held and kept aside. */
  renameModel(from: string, to: string): Promise<void>
  addHold(hold: Hold): Promise<void>
  deleteHold(id: string): Promise<void>
  /** Takes the thing out of its place for ever: from here on nobody can restore it. */
  beginPurge(item: TrashItem): Promise<void>
  /** Removes about so many rows that hang on it; gives how many, 0 when there are no more. */
  purgeSome(item: TrashItem, limit: number): Promise<number>
  endPurge(item: TrashItem, end: { purgedMs: number; purgedBy: string }): Promise<void>
  /** Removes files that came in while or after their owner was purged. */
  purgeLateFiles(item: TrashItem): Promise<number>
  condemn(objects: readonly FileOf[]): Promise<void>
  absolve(digests: readonly string[]): Promise<void>
  saveCollection(collection: Collection): Promise<void>
}
