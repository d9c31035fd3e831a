import type { InferenceSession } from 'onnxruntime-node'
import type { ModelShape, TensorSpec, TensorType } from '#inference'

const SERVED: Readonly<Record<TensorType, true>> = {
  bool: true,
  uint8: true,
  uint16: true,
  uint32: true,
  uint64: true,
  int8: true,
  int16: true,
  int32: true,
  int64: true,
  float32: true,
  float64: true,
  string: true,
}

/** What a loaded model takes and gives. Throws when that cannot be served, saying how to export the model instead. */
export function shapeOf(session: InferenceSession): ModelShape {
  return {
    inputs: session.inputMetadata.map((each) => specOf('input', each)),
    outputs: session.outputMetadata.map((each) => specOf('output', each)),
  }
}

function specOf(side: 'input' | 'output', value: InferenceSession.ValueMetadata): TensorSpec {
  if (!value.isTensor)
    throw new Error(
      `${side} ${value.name} is a list of maps, not a tensor; convert the model without ZipMap: to_onnx(model, options={"zipmap": False})`,
    )
  if (!(value.type in SERVED))
    throw new Error(
      `${side} ${value.name} is of type ${value.type}, which is not served; convert the model with float32 ${side}s`,
    )
  return {
    name: value.name,
    type: value.type as TensorType,
    shape: value.shape.map((size) => (typeof size === 'number' ? size : null)),
  }
}
