/** The messages as they are read from the wire: 64-bit numbers are texts, absent messages null. */

export interface ModelSpec {
  readonly name: string
  readonly version?: { readonly value: string } | null
  readonly version_label?: string
  readonly version_choice?: 'version' | 'version_label'
  readonly signature_name: string
}

export interface TensorProto {
  /** A number for a type that is not known. */
  readonly dtype: string | number
  readonly tensor_shape: {
    readonly dim: readonly { readonly size: string }[]
    readonly unknown_rank: boolean
  } | null
  readonly tensor_content: Buffer
  readonly half_val: readonly number[]
  readonly float_val: readonly number[]
  readonly double_val: readonly number[]
  readonly int_val: readonly number[]
  readonly string_val: readonly Buffer[]
  readonly int64_val: readonly string[]
  readonly bool_val: readonly boolean[]
  readonly uint32_val: readonly number[]
  readonly uint64_val: readonly string[]
}

export interface PredictRequest {
  readonly model_spec: ModelSpec | null
  readonly inputs: Readonly<Record<string, TensorProto>>
  readonly output_filter: readonly string[]
}

export interface Feature {
  readonly kind?: 'bytes_list' | 'float_list' | 'int64_list'
  readonly bytes_list?: { readonly value: readonly Buffer[] } | null
  readonly float_list?: { readonly value: readonly number[] } | null
  readonly int64_list?: { readonly value: readonly string[] } | null
}

export interface Example {
  readonly features: { readonly feature: Readonly<Record<string, Feature>> } | null
}

export interface Input {
  readonly kind?: 'example_list' | 'example_list_with_context'
  readonly example_list?: { readonly examples: readonly Example[] } | null
  readonly example_list_with_context?: {
    readonly examples: readonly Example[]
    readonly context: Example | null
  } | null
}

/** Of a classification and of a regression. */
export interface ExamplesRequest {
  readonly model_spec: ModelSpec | null
  readonly input: Input | null
}

export interface MultiInferenceRequest {
  readonly tasks: readonly { readonly model_spec: ModelSpec | null; readonly method_name: string }[]
  readonly input: Input | null
}

export interface MetadataRequest {
  readonly model_spec: ModelSpec | null
  readonly metadata_field: readonly string[]
}

export interface StatusRequest {
  readonly model_spec: ModelSpec | null
}
