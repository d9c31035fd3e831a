import type { Described, Standing, TensorSpec, TensorType } from '#inference'
import type { Asked } from './errors.ts'

const DTYPES: Readonly<Record<TensorType, string>> = {
  bool: 'DT_BOOL',
  uint8: 'DT_UINT8',
  uint16: 'DT_UINT16',
  uint32: 'DT_UINT32',
  uint64: 'DT_UINT64',
  int8: 'DT_INT8',
  int16: 'DT_INT16',
  int32: 'DT_INT32',
  int64: 'DT_INT64',
  float16: 'DT_HALF',
  float32: 'DT_FLOAT',
  float64: 'DT_DOUBLE',
  string: 'DT_STRING',
}

/** What a model takes and gives, as the signature of a SavedModel. */
export function metadataOf({ model }: Asked, { revision, shape }: Described) {
  return {
    model_spec: { name: model, signature_name: '', version: String(revision.version) },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: {
            inputs: tensorInfos(shape.inputs),
            outputs: tensorInfos(shape.outputs),
            method_name: 'tensorflow/serving/predict',
            defaults: {},
          },
        },
      },
    },
  }
}

function tensorInfos(specs: readonly TensorSpec[]) {
  return Object.fromEntries(
    specs.map(({ name, type, shape }) => [
      name,
      {
        dtype: DTYPES[type],
        tensor_shape: {
          dim: shape.map((size) => ({ size: String(size ?? -1), name: '' })),
          unknown_rank: false,
        },
        name: `${name}:0`,
      },
    ]),
  )
}

const STATES = {
  ready: 'AVAILABLE',
  loading: 'LOADING',
  failed: 'END',
  undeployed: 'START',
  unloaded: 'END',
} as const satisfies Record<Standing['state'], string>

/** How a model stands, for clients of TensorFlow Serving and of KServe in one: each reads its own keys. */
export function statusOf(
  { model, pin }: Asked,
  standing: Standing,
  described: Described | undefined,
) {
  const versions = versionsOf(pin, standing, described)
  const { state, reason } = standing
  const failed = state === 'failed'
  return {
    name: model,
    ready: described !== undefined,
    model_version_status: versions.map((version) => ({
      version: String(version),
      state: described === undefined ? STATES[state === 'ready' ? 'loading' : state] : 'AVAILABLE',
      status: {
        error_code: failed ? 'UNKNOWN' : 'OK',
        error_message: failed ? (reason ?? '') : '',
      },
    })),
  }
}

function versionsOf(
  pin: Asked['pin'],
  standing: Standing,
  described: Described | undefined,
): readonly number[] {
  if (pin?.by === 'version') return [pin.version]
  if (described !== undefined)
    return pin === undefined ? described.versions : [described.revision.version]
  return standing.revision === null ? [] : [standing.revision.version]
}
