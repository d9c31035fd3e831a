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
    /** What a caller may set for one request; absent where none was declared. */
    readonly params?: readonly ParamSpec[]
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
  /** It goes by its place: its name is only that. */
  readonly unnamed?: true
  /** What an `array`, `object` or `map` holds. */
  readonly nested?: NestedSpec
}

export type ScalarType = Exclude<ColumnSpec['type'], 'array' | 'object' | 'map' | 'any'>

/** What lies inside a value that is no scalar. */
export type NestedSpec =
  | { readonly type: ScalarType | 'any' }
  | { readonly type: 'array'; readonly items: NestedSpec }
  | { readonly type: 'map'; readonly values: NestedSpec }
  | {
      readonly type: 'object'
      readonly properties: readonly {
        readonly name: string
        readonly required: boolean
        readonly of: NestedSpec
      }[]
    }

/** A parameter that a request may set, and what counts without. */
export interface ParamSpec {
  readonly name: string
  readonly type: ScalarType | 'object'
  readonly default: unknown
  /** A list of this many values, -1 for any number; `null` for a single one. */
  readonly shape: readonly number[] | null
}

/** A block of values; -1 is a dimension that may vary. */
export interface TensorSpec {
  readonly name: string
  readonly type: 'tensor'
  readonly dtype: string
  readonly shape: readonly number[]
  readonly required: boolean
}

export type ExampleRows =
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly ExampleValue[])[] }
  /** Rows that go by their places: each as a model of one tensor takes it. */
  | { readonly columns: null; readonly rows: readonly ExampleValue[] }

export type ExampleValue = string | number | boolean | null | readonly ExampleValue[]

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
