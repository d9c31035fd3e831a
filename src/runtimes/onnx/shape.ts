import type { InferenceSession } from 'onnxruntime-node'
import type { ModelShape, TensorSpec, TensorType } from '#inference'

const SERVED: Readonly<Record<string, true>> = {
  bool: true,
  uint8: true,
  uint16: true,
  uint32: true,
  uint64: true,
  int8: true,
  int16: true,
  int32: true,
  int64: true,
  float16: true,
  float32: true,
  float64: true,
  string: true,
}

/** What a loaded model takes and gives. Throws when that cannot be served, saying how to export the model instead. */
export function shapeOf(
  session: InferenceSession,
  /** What outputs are called in answers, where the file calls them otherwise. */
  names: ReadonlyMap<string, string>,
): ModelShape {
  return {
    inputs: session.inputMetadata.map((each) => specOf('input', each, each.name)),
    outputs: session.outputMetadata.map((each) =>
      specOf('output', each, names.get(each.name) ?? each.name),
    ),
  }
}

function specOf(
  side: 'input' | 'output',
  value: InferenceSession.ValueMetadata,
  name: string,
): TensorSpec {
  if (!value.isTensor)
    throw new Error(
      `${side} ${value.name} is a list or a map, not a tensor; export the model with tensors only`,
    )
  if (!(value.type in SERVED))
    throw new Error(
      `${side} ${value.name} is of type ${value.type}, which is not served; convert the model with float32 ${side}s`,
    )
  return {
    name,
    type: value.type as TensorType,
    shape: value.shape.map((size) => (typeof size === 'number' ? size : null)),
  }
}
