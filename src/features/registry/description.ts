import type { Readable } from 'node:stream'
import type { ArtifactFile } from '#tracking'

/** What a model takes and gives, as its maker declared it. */
export interface ModelDescription {
  /** The ways in which it can be loaded, such as `python_function`, `sklearn`, `onnx`. */
  readonly flavors: readonly string[]
  /** Where its ONNX file is, if it has one. */
  readonly onnx: { readonly path: string } | null
  readonly signature: {
    readonly inputs: readonly FieldSpec[]
    readonly outputs: readonly FieldSpec[]
  } | null
  /** A few rows that it can be tried with. */
  readonly inputExample: ExampleRows | null
  /** What could not be read of the declaration. */
  readonly problems: readonly string[]
}

export type FieldSpec = ColumnSpec | TensorSpec

export interface ColumnSpec {
  readonly name: string
  readonly type:
    | 'boolean'
    | 'integer'
    | 'long'
    | 'float'
    | 'double'
    | 'string'
    | 'binary'
    | 'datetime'
    | 'array'
    | 'object'
    | 'map'
    | 'any'
  readonly required: boolean
}

/** A block of values; -1 is a dimension that may vary. */
export interface TensorSpec {
  readonly name: string
  readonly type: 'tensor'
  readonly dtype: string
  readonly shape: readonly number[]
  readonly required: boolean
}

export interface ExampleRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | boolean | null)[])[]
}

/** Reads a model's files for what they say of it. Never throws for what the files hold. */
export type DescribeModel = (
  files: readonly ArtifactFile[],
  open: (path: string) => Promise<Readable>,
) => Promise<ModelDescription>

/** Nothing is known of it: it has no files here, or none that describe it. */
export const NO_DESCRIPTION: ModelDescription = {
  flavors: [],
  onnx: null,
  signature: null,
  inputExample: null,
  problems: [],
}
