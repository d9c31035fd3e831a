import { sha256 } from '#base/digest'
import type { Json } from '#base/json'
import type { Ref } from '#ledger'
import type { Facets, Name, RunChange } from './event.ts'

/** A facet and when it was told: a later one takes its place, an earlier one that comes late does not. */
export interface KeptFacet {
  readonly atMs: number
  readonly value: Json
}

export type KeptFacets = Readonly<Record<string, KeptFacet>>

export type RunState = 'running' | 'completed' | 'failed' | 'aborted' | 'unknown'

export const RUN_STATES: readonly RunState[] = [
  'running',
  'completed',
  'failed',
  'aborted',
  'unknown',
]

/** A run of another system, as the events about it add up to. */
export interface OutsideRun {
  readonly id: string
  /** Sorts runs by when they were first heard of. */
  readonly place: string
  readonly job: Name
  readonly producer: string
  readonly state: RunState
  /** Time of the event that says so. */
  readonly stateMs: number
  readonly startedMs: number | null
  readonly endedMs: number | null
  readonly firstMs: number
  readonly lastMs: number
  readonly parent: { readonly id: string; readonly job: Name } | null
  readonly error: string | null
  readonly facets: KeptFacets
  readonly events: number
  /** What of it the ledger has. */
  readonly onRecord: {
    readonly began: boolean
    readonly parent: boolean
    readonly outcome: RunState | null
  }
}

/** A job of another system. */
export interface OutsideJob extends Name {
  readonly key: string
  readonly place: string
  readonly facets: KeptFacets
  /** What it is said to use, where that was told without a run. */
  readonly inputs: readonly Name[]
  readonly outputs: readonly Name[]
  readonly lastRun: string | null
  readonly lastMs: number
}

/** Data as another system names it. */
export interface OutsideDataset extends Name {
  readonly key: string
  readonly place: string
  readonly facets: KeptFacets
  /** Where it is ours. */
  readonly home: Home | null
  readonly lastMs: number
}

/** Data of a project of this server. */
export interface Home {
  readonly project: string
  readonly path: string
}

/** A run used a dataset. */
export interface Use {
  readonly run: string
  readonly role: 'input' | 'output'
  readonly dataset: Name
  readonly atMs: number
  readonly version: string | null
  readonly home: Home | null
  /** The dataset in the ledger. */
  readonly ref: Ref
  /** What was told of the dataset with this use. */
  readonly facets: KeptFacets
  /** Whether a version of ours is known to come of it. */
  readonly isTracked: boolean
}

/** An event about a run, for the story of it. */
export interface EventNote {
  readonly digest: string
  readonly run: string
  readonly change: RunChange
  readonly atMs: number
  readonly producer: string
}

/** Names can be long; a key never is. */
export function keyOf({ namespace, name }: Name): string {
  return sha256(`${namespace}\n${name}`)
}

export function homeKey({ project, path }: Home): string {
  return sha256(`${project}\n${path}`)
}

export function externalRunRef(id: string): Ref {
  return { kind: 'external-run', id }
}

/** What an index of the database takes in one row, with room for the rest. */
const ID_CHARS_MAX = 500

/** A dataset by its name, where no version of it is known. */
export function datasetRef({ namespace, name }: Name): Ref {
  const id = `${namespace}:${name}`
  const isLong = id.length > ID_CHARS_MAX
  const digest = keyOf({ namespace, name })
  return { kind: 'dataset', id: isLong ? `${id.slice(0, ID_CHARS_MAX)}…${digest}` : id }
}

/** Data of ours that has no version yet, by whichever of its names it was told. */
export function homeName({ project, path }: Home): Name {
  return { namespace: `orrery://${project}`, name: path }
}

/** The facets as they were told last; those that were taken back are gone. */
export function facetsOf(kept: KeptFacets): Facets {
  return Object.fromEntries(
    Object.entries(kept)
      .map(([name, { value }]): [string, Json] => [name, value])
      .filter(([, value]) => !isDeleted(value)),
  )
}

const DELETED = '_deleted'

function isDeleted(value: Json): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return (value as Readonly<Record<string, Json>>)[DELETED] === true
}
