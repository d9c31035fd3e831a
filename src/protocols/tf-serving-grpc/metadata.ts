import { Problem } from '#base/problem'
import type { Described, Inference, Standing, TensorSpec } from '#inference'
import { servable, SIGNATURE, specOf, type Asked } from './model.ts'
import { dtypeOf } from './tensor-proto.ts'

/** What a model takes and gives, as the signature of a SavedModel. */
export function metadataOf(asked: Asked, { revision, shape }: Described): object {
  return {
    model_spec: specOf(asked, revision.version, ''),
    metadata: {
      signature_def: {
        '@type': 'type.googleapis.com/tensorflow.serving.SignatureDefMap',
        signature_def: {
          [SIGNATURE]: {
            inputs: tensorInfos(shape.inputs),
            outputs: tensorInfos(shape.outputs),
            method_name: 'tensorflow/serving/predict',
          },
        },
      },
    },
  }
}

function tensorInfos(specs: readonly TensorSpec[]): object {
  return Object.fromEntries(
    specs.map(({ name, type, shape }) => [
      name,
      {
        name: `${name}:0`,
        dtype: dtypeOf(type),
        tensor_shape: { dim: shape.map((size) => ({ size: String(size ?? -1) })) },
      },
    ]),
  )
}

const STATES = {
  ready: 'LOADING',
  loading: 'LOADING',
  failed: 'END',
  undeployed: 'START',
  unloaded: 'END',
} as const satisfies Record<Standing['state'], string>

/** How a model's versions stand. Throws `not-found`. */
export async function statusesOf(inference: Inference, asked: Asked): Promise<object> {
  try {
    const found = await servable(asked, () => inference.describe(asked.model, asked.pin))
    const versions = asked.pin === undefined ? found.versions : [found.revision.version]
    return { model_version_status: versions.map((version) => statusOf(version, 'AVAILABLE', null)) }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'unavailable') throw error
    const standing = inference.standings().find(({ endpoint }) => endpoint === asked.model)
    const version = asked.pin?.by === 'version' ? asked.pin.version : standing?.revision?.version
    if (standing === undefined || version === undefined) return { model_version_status: [] }
    return {
      model_version_status: [statusOf(version, STATES[standing.state], standing)],
    }
  }
}

function statusOf(version: number, state: string, standing: Standing | null): object {
  const failed = standing?.state === 'failed'
  return {
    version: String(version),
    state,
    status: {
      error_code: failed ? 'UNKNOWN' : 'OK',
      error_message: failed ? (standing.reason ?? '') : '',
    },
  }
}
