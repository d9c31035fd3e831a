import type { ObjectName } from '../store.ts'

/** An object as it lies in its place. */
export interface Lying extends ObjectName {
  readonly sizeBytes: number
  /** Its mode says that nobody wrote to it since it was checked; always so where there are no modes. */
  readonly trusted: boolean
}

/** All that lies in one place, the cache or a remote, for who collects garbage and who scrubs. */
export interface Shelf {
  /** As people call it: `the cache`, `the remote backup`. */
  readonly name: string
  /** The folder or the address. */
  readonly place: string
  /** So many things pay to be done there at a time; one if nothing is said. */
  readonly atOnce?: number
  /** Every object, in no order. */
  objects(): AsyncIterable<Lying>
  /** What lies there under a name, without a look at its bytes. */
  look(object: ObjectName): Promise<Lying | undefined>
  /** Of these objects those whose bytes are not those of their name; reads all of them. */
  wrongAmong(objects: readonly ObjectName[]): Promise<ObjectName[]>
  /** The text of a folder's list. */
  text(folder: ObjectName): Promise<string | undefined>
  /** Paths of what lies among the objects since before that moment and is none: what a crash left, or somebody put there. */
  strays(beforeMs: number): Promise<readonly string[]>
  /** Says of an object that was read and found right that it can be trusted. */
  trust(object: ObjectName): Promise<void>
  /** Undefined where objects can only be removed for good. */
  readonly trash: Trash | undefined
  /** For good. */
  remove(object: ObjectName): Promise<void>
}

/** What was put aside in one go, and when. */
export interface Bag {
  readonly id: string
  readonly kind: BagKind
  readonly atMs: number
  readonly objects: number
  readonly bytes: number
}

/** `trash`: nothing needed it. `damaged`: its bytes are not those of its name, or it was no object. */
export type BagKind = 'trash' | 'damaged'

/** Where objects lie that were put aside, by renaming, out of dvc's sight. */
export interface Trash {
  bags(kind: BagKind): Promise<Bag[]>
  /** Makes the bag of that moment. */
  open(kind: BagKind, atMs: number): Promise<string>
  put(bag: string, object: ObjectName): Promise<void>
  /** The same for what is no object. */
  putStray(bag: string, path: string): Promise<void>
  /** Puts everything of a bag back in its place; what came anew meanwhile stays as it is. */
  bringBack(bag: string): Promise<{ objects: number; bytes: number }>
  /** Removes a bag and all in it for good. */
  empty(bag: string): Promise<void>
}

export async function isRightOn(shelf: Shelf, object: ObjectName): Promise<boolean> {
  return (await shelf.wrongAmong([object])).length === 0
}

export function keyOf(object: ObjectName): string {
  return object.legacy ? `${object.md5} legacy` : object.md5
}
