import type { Described, Inference, Statistics, Tally, TensorSpec, TensorType } from '#inference'
import { pinOf, type ModelName } from './ask.ts'
import { datatypeOf } from './datatypes.ts'

const DATA_TYPES: Readonly<Partial<Record<TensorType, string>>> = { string: 'TYPE_STRING' }

/** What the server says of itself. */
export function serverMetadata(version: string, hasRepository: boolean) {
  return {
    name: 'orrery',
    version,
    extensions: [
      'binary_tensor_data',
      'classification',
      'model_configuration',
      ...(hasRepository ? ['model_repository'] : []),
      'parameters',
      'statistics',
    ],
  }
}

export async function described(inference: Inference, name: ModelName): Promise<Described> {
  return inference.describe(name.model, pinOf(name.version))
}

/** What a model takes and gives, as it was loaded. */
export function modelMetadata(model: string, { shape, versions, flavor, ...found }: Described) {
  const labels = Object.entries(found.labels).map(([label, version]) => `${label}=${version}`)
  return {
    name: model,
    versions: versions.map(String),
    platform: platformOf(flavor),
    inputs: shape.inputs.map(tensorToWire),
    outputs: shape.outputs.map(tensorToWire),
    properties: {
      model: found.revision.model,
      revision: String(found.revision.number),
      ...(labels.length === 0 ? {} : { labels: labels.join(',') }),
    },
  }
}

function platformOf(flavor: string): string {
  return flavor === 'onnx' ? 'onnx_onnxv1' : flavor
}

function tensorToWire({ name, type, shape }: TensorSpec) {
  return { name, datatype: datatypeOf(type), shape: sizesOf(shape) }
}

function sizesOf(shape: TensorSpec['shape']): number[] {
  return shape.map((size) => size ?? -1)
}

/** As Triton words it. All dimensions are listed, rows first, which is what a `max_batch_size` of 0 means. */
export function modelConfig(model: string, { shape, versions, flavor }: Described) {
  return {
    name: model,
    platform: platformOf(flavor),
    backend: flavor === 'onnx' ? 'onnxruntime' : 'python',
    version_policy: { specific: { versions: [...versions] } },
    max_batch_size: 0,
    input: shape.inputs.map(configured),
    output: shape.outputs.map(configured),
  }
}

function configured({ name, type, shape }: TensorSpec) {
  return {
    name,
    data_type: DATA_TYPES[type] ?? `TYPE_${datatypeOf(type)}`,
    dims: sizesOf(shape),
  }
}

/** As Triton words it, of one model or of all. */
export async function modelStatistics(inference: Inference, name?: Partial<ModelName>) {
  const { model, version } = name ?? {}
  // A model that is not there is told before one that has not been asked.
  if (model !== undefined) await described(inference, { model, version })
  const all = inference.statistics(model)
  const meant = all.filter(
    ({ revision }) =>
      version === undefined || version === '' || String(revision.version) === version,
  )
  return { model_stats: meant.map(statisticsToWire) }
}

function statisticsToWire(of: Statistics) {
  const zero = duration({ count: 0, ms: 0 })
  return {
    name: of.endpoint,
    version: String(of.revision.version),
    last_inference: of.lastMs ?? 0,
    inference_count: of.rows,
    execution_count: of.runs,
    inference_stats: {
      success: duration(of.success),
      fail: duration(of.failure),
      queue: duration(of.queue),
      compute_input: zero,
      compute_infer: duration(of.compute),
      compute_output: zero,
      cache_hit: zero,
      cache_miss: zero,
    },
    batch_stats: [],
    memory_usage: [],
    response_stats: {},
  }
}

function duration({ count, ms }: Tally) {
  return { count, ns: Math.round(ms * 1e6) }
}
