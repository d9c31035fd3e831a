import type { Json } from '#base/json'

/** Who did it: a person, a service account, or the platform itself acting for a policy. */
export interface Actor {
  readonly kind: 'user' | 'service' | 'platform'
  readonly id: string
}

/** The platform acting by itself; `part` names which part of it, for example `policy:keep-fresh`. */
export function platformActor(part: string): Actor {
  return { kind: 'platform', id: part }
}

/** A named thing or a digest in the lineage graph. */
export interface Ref {
  readonly kind: RefKind
  readonly id: string
}

export type RefKind =
  | 'dataset-version'
  | 'commit'
  | 'environment'
  | 'pipeline-run'
  | 'run'
  | 'model-version'
  | 'promotion'
  | 'endpoint'
  | 'revision'
  | 'window'
  | 'policy-run'
  | 'segment'
  | 'external-run'
  | 'dataset'

/** `from` came about by way of `to`: an edge points from the effect to its cause. */
export interface Edge {
  readonly from: Ref
  readonly relation: string
  readonly to: Ref
}

/** What happened, in the past tense and complete: a reader in five years has only the ledger. */
export interface Fact {
  readonly type: string
  readonly data: Readonly<Record<string, Json>>
  /** Lineage that this fact creates; covered by the entry's hash like everything else in it. */
  readonly edges?: readonly Edge[]
  /** When it happened in the world that the data describes, if that differs from the clock. */
  readonly eventMs?: number
}

/** A fact at its place in the ledger. */
export interface Entry extends Fact {
  readonly position: number
  readonly atMs: number
  readonly actor: Actor
  readonly edges: readonly Edge[]
}
