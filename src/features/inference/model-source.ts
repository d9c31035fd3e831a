import { Problem } from '#base/problem'
import type { ModelVersion } from '#registry'
import type { Value } from './tensor.ts'

/** A column of a model's signature, in MLflow's types. */
export interface SignatureColumn {
  readonly name: string
  readonly type: ColumnType
  readonly required: boolean
}

export type ColumnType =
  | 'boolean'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'binary'
  | 'datetime'

const COLUMN_TYPES: Readonly<Record<ColumnType, true>> = {
  boolean: true,
  integer: true,
  long: true,
  float: true,
  double: true,
  string: true,
  binary: true,
  datetime: true,
}

/** A model version, as far as serving has to know it. */
export interface ServableModel {
  readonly model: string
  readonly version: number
  /** Digest of all its files. */
  readonly digest: string
  /** The columns it takes, in order; `null` when it was logged without a signature of columns. */
  readonly columns: readonly SignatureColumn[] | null
  readonly example: {
    readonly columns: readonly string[]
    readonly rows: readonly (readonly Value[])[]
  } | null
}

/** Where model versions come from. */
export interface ModelSource {
  /** The version that `models:/name@alias` or `models:/name/3` means now; undefined while it means none. */
  resolve(uri: string): Promise<ServableModel | undefined>
  /** Throws `not-found`. */
  get(model: string, version: number): Promise<ServableModel>
  /**
   * Makes the version's files lie on this machine and gives the path of its ONNX file. Doing it again does
   * no harm. Throws `invalid` when it has none.
   */
  place(model: string, version: number): Promise<string>
}

/** What serving needs of a version. Throws `invalid` for one that is kept elsewhere. */
export function servableOf(version: ModelVersion): ServableModel {
  const { model, digest, description } = version
  if (digest === null)
    throw new Problem(
      'invalid',
      `the files of ${model} version ${version.version} are not kept here, so it cannot be served; log the model to this server${description.problems.map((problem) => ` (${problem})`).join('')}`,
    )
  const inputs = description.signature?.inputs ?? []
  const columns = inputs.flatMap(({ name, type, required }) =>
    type in COLUMN_TYPES ? [{ name, type: type as ColumnType, required }] : [],
  )
  return {
    model,
    version: version.version,
    digest,
    // A signature of tensors says nothing that the model's own inputs do not.
    columns: columns.length > 0 && columns.length === inputs.length ? columns : null,
    example: description.inputExample,
  }
}

/** `models:/name@alias` in its parts; a URI that names a version has no alias. */
export function aliasIn(uri: string): { model: string; alias: string } | undefined {
  const [, model, alias] = /^models:\/([^/@]+)@([\w-]+)$/.exec(uri) ?? []
  return model === undefined || alias === undefined ? undefined : { model, alias }
}

/** The name of a model version in the lineage graph and in the log: `flights-late/3`. */
export function versionName({ model, version }: { model: string; version: number }): string {
  return `${model}/${version}`
}
