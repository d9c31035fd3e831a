import type { Json } from '#base/json'

/** What jobs and datasets are called where they live. */
export interface Name {
  readonly namespace: string
  readonly name: string
}

/** What is told of a thing beside its name, by the name of each part; what we do not know is kept too. */
export type Facets = Readonly<Record<string, Json>>

export interface TaggedName extends Name {
  readonly facets: Facets
}

/** A dataset as a run or a job uses it. */
export interface UsedDataset extends TaggedName {
  /** What holds for this use alone. */
  readonly ofUse: Facets
  /** Which content it was, as its system names versions; null where nobody told. */
  readonly version: string | null
  /** Other names of the same data. */
  readonly aliases: readonly Name[]
}

interface Told {
  /** The same for the same event, however often it is told. */
  readonly digest: string
  readonly atMs: number
  /** Address of the software that tells. */
  readonly producer: string
}

export type RunChange = 'started' | 'running' | 'completed' | 'failed' | 'aborted' | 'other'

/** Something became of a run. */
export interface RunEvent extends Told {
  readonly kind: 'run'
  readonly change: RunChange
  readonly run: { readonly id: string; readonly facets: Facets }
  readonly job: TaggedName
  /** The run that it is part of. */
  readonly parent: { readonly id: string; readonly job: Name } | null
  /** Why it failed. */
  readonly error: string | null
  readonly inputs: readonly UsedDataset[]
  readonly outputs: readonly UsedDataset[]
}

/** What a dataset is, without a run. */
export interface DatasetEvent extends Told {
  readonly kind: 'dataset'
  readonly dataset: TaggedName
}

/** What a job is and uses, without a run. */
export interface JobEvent extends Told {
  readonly kind: 'job'
  readonly job: TaggedName
  readonly inputs: readonly UsedDataset[]
  readonly outputs: readonly UsedDataset[]
}

export type OutsideEvent = RunEvent | DatasetEvent | JobEvent
