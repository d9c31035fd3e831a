import { collected, undone, type Collected, type Collecting, type Undone } from './collect.ts'
import type { GarbageRequest } from './garbage.ts'
import { scrubbed } from './scrub.ts'
import type { Scrubbed, ScrubRequest } from './scrubbing.ts'
import type { UpkeepDependencies } from './dependencies.ts'

/** Looks after what is kept: takes away what nothing needs, finds and mends what is damaged. */
export interface Upkeep {
  /** Puts aside, for a week, what nothing needs. */
  collect(request: GarbageRequest, how: Collecting): Promise<Collected>
  /** Reads all that is kept, and mends what is damaged or lacks. */
  scrub(request: ScrubRequest): Promise<Scrubbed>
  /** Brings back what was put aside last. */
  undo(from?: { cloud?: boolean; remote?: string }): Promise<Undone>
}

export function createUpkeep(dependencies: UpkeepDependencies): Upkeep {
  return {
    collect: (request, how) => collected(dependencies, request, how),
    scrub: (request) => scrubbed(dependencies, request),
    undo: (from = {}) => undone(dependencies, from),
  }
}
