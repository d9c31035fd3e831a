import type { Readable } from 'node:stream'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import type { GivenExperiment, GivenLoggedModel, GivenRun, Metric } from '#tracking'
import type { GivenModel } from '#registry'

/** What stands in an MLflow store, in our words; addresses are as they stand there. */
export interface SourceExperiment extends GivenExperiment {
  readonly artifactLocation: string
}

export interface SourceRun extends GivenRun {
  readonly artifactUri: string
  /** Says something else when points were added since. */
  readonly extent: string
  /** Points by key, where the store knows without reading them all. */
  readonly points: Readonly<Record<string, number>> | null
  /** Keys of its metrics. */
  readonly keys: readonly string[]
}

export interface SourceLoggedModel extends GivenLoggedModel {
  readonly artifactUri: string
}

export type Point = Pick<Metric, 'value' | 'step' | 'atMs'>

/** Some points of one metric. */
export interface Piece {
  readonly key: string
  readonly points: readonly Point[]
}

export interface SourceFile {
  readonly path: string
  readonly sizeBytes: number
}

/** A folder of artifacts that can be read. */
export interface SourceFolder {
  files(): AsyncIterable<SourceFile>
  open(path: string): Promise<Readable>
}

/** The files, or why there are none to be had: they stay in a store of their own, or nobody knows where they are. */
export type Located =
  | { readonly kind: 'folder'; readonly folder: SourceFolder }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'lost'; readonly reason: string }

/** What artifacts belong to. */
export interface Owner {
  readonly experimentId: string
  readonly kind: 'run' | 'model'
  readonly id: string
}

/** An MLflow store that is read: a server, a folder of runs, or a database. Everything is read in pages. */
export interface MlflowSource {
  /** By which it is known again. */
  readonly name: string
  experiments(): Promise<SourceExperiment[]>
  /** How many runs and logged models there are, as far as the store knows at once. */
  size(experimentIds: readonly string[]): Promise<number | null>
  runs(experimentId: string): AsyncIterable<SourceRun[]>
  /** The runs with what a page of many does not tell. */
  complete(runs: readonly SourceRun[]): Promise<readonly SourceRun[]>
  /** Points of some metrics of a run, in pieces of any order. */
  history(run: SourceRun, keys: readonly string[]): AsyncIterable<Piece>
  loggedModels(experimentId: string): AsyncIterable<SourceLoggedModel[]>
  registeredModels(): AsyncIterable<GivenModel>
  artifacts(owner: Owner, uri: string): Promise<Located>
  /** What of the store is left out, and why. */
  readonly skipped: readonly {
    readonly what: string
    readonly id: string
    readonly reason: string
  }[]
  close(): void
}

/** One digest for all that is known of a thing at once: another one when anything changed there. */
export function fingerprint(thing: SourceRun | SourceLoggedModel | GivenModel): string {
  return sha256(
    canonicalJson(
      JSON.parse(
        JSON.stringify(thing, (_, value: unknown) =>
          typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
        ),
      ),
    ),
  )
}
