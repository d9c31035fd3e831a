import type { Revision } from '#inference'
import type { Declaration, Endpoint } from './endpoint.ts'

export interface ServingReads {
  list(): Promise<Endpoint[]>
  find(name: string): Promise<Endpoint | undefined>
  /** Revisions of an endpoint, newest first. */
  revisions(endpoint: string, page: { before?: number; limit: number }): Promise<Revision[]>
  findRevision(endpoint: string, number: number): Promise<Revision | undefined>
  findSegment(id: string): Promise<SealedSegment | undefined>
  /** Sealed segments of an endpoint, oldest first. */
  segments(endpoint: string): Promise<SealedSegment[]>
}

export interface ServingWrites extends ServingReads {
  /** Keeps the declaration and leaves what serves as it is. */
  declare(declaration: Declaration, declaredMs: number): Promise<void>
  /** Forgets an endpoint; its revisions stay, and their numbers are taken. */
  remove(endpoint: string): Promise<void>
  /** Keeps new revisions; their numbers are taken. */
  addRevisions(revisions: readonly Revision[]): Promise<void>
  /** Names what serves from now on, by revision number. */
  saveServing(
    endpoint: string,
    serving: { live: number | null; shadowing: readonly number[]; failure: string | null },
  ): Promise<void>
  /** Names what answers from now on; `live` is one of them. */
  saveAnswering(
    endpoint: string,
    answering: { live: number; weights: readonly RevisionWeight[] },
  ): Promise<void>
  addSegment(segment: SealedSegment): Promise<void>
}

export interface RevisionWeight {
  readonly revision: number
  readonly weight: number
}

/** Rows of the prediction log that lie in an object for ever. */
export interface SealedSegment {
  /** Names the place of its first row, so that sealing twice is sealing once. */
  readonly id: string
  readonly endpoint: string
  readonly kind: SegmentKind
  readonly digest: string
  readonly rows: number
  /** Event times of its first and its last prediction. */
  readonly fromMs: number
  readonly toMs: number
  readonly sealedMs: number
}

export type SegmentKind = 'predictions' | 'truths'
