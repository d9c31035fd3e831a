import type { Actor } from '#ledger'
import type { ChangeKind, SlotChange } from './change.ts'

/** A change as it is kept: of a model through all its names, at the place of its ledger entry. */
export interface KeptChange extends SlotChange {
  /** The position of the ledger entry that tells it. */
  readonly position: number
  /** Several changes may be told by one entry. */
  readonly ordinal: number
  /** The model, whatever it was called: the position at which its history begins. */
  readonly life: number
  readonly atMs: number
  readonly actor: Actor
  readonly reason: string | null
}

/** A model as its history knows it: a name is given again after a deletion, a life never. */
export interface Life {
  readonly life: number
  readonly name: string
  readonly createdMs: number
}

/** What is kept of the registry's past. Positions are those of the ledger, so their order is that of the facts. */
export interface HistoryReads {
  /** The last change written at or before a time; -1 when there is none. */
  positionAt(atMs: number): Promise<number>
  /** The model that bore the name right after a position. */
  findLife(name: string, at: number): Promise<Life | undefined>
  /** Every model that ever bore the name, the newest first. */
  livesNamed(name: string): Promise<Life[]>
  /** What a model was called right after a position; undefined when it was not there. */
  nameAt(life: number, at: number): Promise<Life | undefined>
  /** The models that were there right after a position, by name; one more than the limit, if there is one. */
  livesAt(page: { at: number; after: string; search: string; limit: number }): Promise<Life[]>
  /** Of each slot of the models the last change up to a position. */
  slotsAt(lives: readonly number[], at: number): Promise<KeptChange[]>
  /** Newest first, those of one entry in their order: of one entry more than the limit, if there is one. */
  changes(page: {
    life: number
    before?: number
    kinds?: readonly ChangeKind[]
    limit: number
  }): Promise<KeptChange[]>
}

export interface HistoryWrites {
  /** From `position` on the model bears the name; `createdMs` is given when it begins. */
  beginName(named: {
    life: number
    name: string
    position: number
    createdMs: number
  }): Promise<void>
  /** At `position` the model lost the name it had. */
  endName(life: number, position: number): Promise<void>
  appendChanges(changes: readonly KeptChange[]): Promise<void>
}
