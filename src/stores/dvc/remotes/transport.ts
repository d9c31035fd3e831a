import type { Readable } from 'node:stream'

/** The bytes of an object as they come, and how many they are, where the other side says so. */
export interface Incoming {
  readonly bytes: Readable
  readonly sizeBytes: number | undefined
}

/** A file to send. Opened again for each attempt; it ends in an error where its bytes are not those of its name. */
export interface Outgoing {
  readonly path: string
  readonly sizeBytes: number
  open(): Readable
}

/** A place that keeps bytes under keys, each wholly or not at all. Failures that may pass are `Passing` errors. */
export interface Transport {
  /** Where it is, for messages; never with a secret. */
  readonly where: string
  /** Of these keys those that are there. */
  present(keys: readonly string[], jobs: number): Promise<ReadonlySet<string>>
  /** From a byte on; undefined where there is no such key. */
  read(key: string, from: number): Promise<Incoming | undefined>
  write(key: string, file: Outgoing): Promise<void>
  /** Every key below a prefix; undefined where the place cannot tell. */
  readonly list: ((prefix: string) => AsyncIterable<string>) | undefined
  /** What who tidies the place needs; throws a `Problem` where it cannot tell what it has. Undefined where nobody may. */
  readonly tidying?: () => Promise<Tidying>
}

/** A key with the size of what is under it. */
export interface Kept {
  readonly key: string
  readonly sizeBytes: number
}

/** A place that is looked through as a whole, and tidied. */
export interface Tidying {
  /** All that lies where objects do. */
  objects(): AsyncIterable<Kept>
  /** What is not there any more counts as removed. */
  remove(key: string): Promise<void>
  /** Undefined where bytes cannot get another key. */
  readonly moving: Moves | undefined
}

export interface Moves {
  /** Names of the folders right below one. */
  folders(folder: string): Promise<readonly string[]>
  /** All that is below a folder, however deep. */
  below(folder: string): AsyncIterable<Kept>
  /** At every moment the bytes are under one of the keys, whole. */
  move(from: string, to: string): Promise<void>
  /** All of these, in as few requests as the place allows. */
  removeAll(keys: readonly string[]): Promise<void>
  /** Removes a folder in which nothing is left, where folders are things of their own. */
  close(folder: string): Promise<void>
}

/** Where objects lie: those of DVC 3, and those of DVC 2 beside them. */
export async function* objectsIn({
  folders,
  below,
}: Pick<Moves, 'folders' | 'below'>): AsyncIterable<Kept> {
  yield* below('files/md5/')
  for (const name of await folders('')) if (/^[0-9a-f]{2}$/.test(name)) yield* below(`${name}/`)
}

/** A failure that another attempt may not meet. */
export class Passing extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Passing'
  }
}

/** So many attempts, each after a longer pause. */
const ATTEMPTS_MAX = 4
const PAUSE_MS = 200

export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Passing) || attempt === ATTEMPTS_MAX) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 4 ** (attempt - 1)))
    }
  }
}

/** Does the same for each, so many at a time. */
export async function eachOf<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < things.length) await work(things[next++] as T)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker))
}

/** Whether it pays to list where the keys are instead of asking for each, and which of them are there. */
export async function presentByListing(
  keys: readonly string[],
  jobs: number,
  list: (prefix: string) => AsyncIterable<string>,
): Promise<ReadonlySet<string>> {
  const wanted = new Set(keys)
  const found = new Set<string>()
  const prefixes = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))
  await eachOf([...prefixes], jobs, (prefix) =>
    persistently(async () => {
      for await (const key of list(prefix)) if (wanted.has(key)) found.add(key)
    }),
  )
  return found
}

/** How many there are in all, judged by one of the 256 folders that hashes spread over evenly. */
export async function estimateOf(
  prefix: string,
  list: (prefix: string) => AsyncIterable<string>,
): Promise<number> {
  let count = 0
  for await (const key of list(prefix)) {
    void key
    if (++count >= PAGE) break
  }
  return count * 256
}

/** Of one answer to a question for a list. */
export const PAGE = 1000
