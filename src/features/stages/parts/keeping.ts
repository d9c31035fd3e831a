import type { TreeEntry } from '#data'
import type { Part } from './parts.ts'

/** Results of parts, kept beside the objects that they name, and the places where parts are processed. */
export interface PartsKeeping {
  /** What is known of parts that were processed under the circumstances of that name. */
  open(circumstances: string): Promise<PartsLedger>
  /** A place for the parts of one stage. Ends what a killed process left running in an earlier one. */
  workshop(stage: string): Promise<Workshop>
  /** Digests by name of the parts that the stage had when it last finished; undefined where nobody knows. */
  lastParts(stage: string): Promise<ReadonlyMap<string, string> | undefined>
  saveLastParts(stage: string, parts: readonly Part[]): Promise<void>
}

export interface PartsLedger {
  /** Of these parts, the files that each gave, where all of them still are in the cache. */
  known(parts: readonly Part[]): Promise<Map<Part, readonly TreeEntry[]>>
  /** Puts what parts gave into the cache, and then notes it; whoever comes after a kill finds it. */
  take(done: readonly DonePart[]): Promise<(readonly TreeEntry[])[]>
  /** Until then nothing throws away what parts of an unfinished run gave. */
  finished(): void
}

export interface DonePart {
  readonly part: Part
  readonly files: readonly WrittenFile[]
}

export interface WrittenFile {
  /** Below the output. */
  readonly path: string
  /** Where it lies now. */
  readonly place: string
}

export interface Workshop {
  /** Where all of it lies. */
  readonly folder: string
  /** Room for one process: an input that shows only these files, each where it lies in the real one, and an empty output. */
  bench(files: readonly { readonly path: string; readonly place: string }[]): Bench
  remove(): void
}

export interface Bench {
  readonly input: string
  readonly output: string
  /** Notes the process that works here. */
  runningAs(pid: number): void
  /** All files in the output. Throws `invalid` for what cannot be data. */
  written(): readonly WrittenFile[]
  remove(): void
}
