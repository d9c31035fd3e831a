import { Problem } from '#base/problem'
import { elementsOf, type ModelShape } from '#inference'
import { datatypeOf, type Datatype } from './datatypes.ts'
import { binaryData, textIn, widthOf } from './elements.ts'
import type { InferRequest } from './request.ts'

/** A body that is the bytes of the model's only input and nothing else; its shape follows from their number. */
export function rawRequestIn(body: Buffer, { inputs }: ModelShape): InferRequest {
  const [only, ...more] = inputs
  if (only === undefined || more.length > 0)
    throw new Problem(
      'invalid',
      `a body without a JSON header is for models of one input; this one has ${inputs.map(({ name }) => name).join(', ')}`,
    )
  const { name, type } = only
  const datatype = datatypeOf(type)
  const shape =
    datatype === 'BYTES'
      ? only.shape.map(() => 1)
      : shapeFor(only.shape, body.length, { name, datatype })
  const data =
    datatype === 'BYTES' ? [textIn(body, name)] : binaryData(body, { name, datatype, shape })
  return {
    id: undefined,
    inputs: [{ tensor: { name, type, shape, data }, parameters: {} }],
    outputs: undefined,
    parameters: { binary_data_output: true },
  }
}

/** One dimension may be open; of two, the first is taken for one row. */
function shapeFor(
  sizes: readonly (number | null)[],
  bytes: number,
  { name, datatype }: { name: string; datatype: Exclude<Datatype, 'BYTES'> },
): number[] {
  const open = sizes.filter((size) => size === null).length
  const known = open === 2 && sizes[0] === null ? [1, ...sizes.slice(1)] : [...sizes]
  const place = known.indexOf(null)
  if (known.lastIndexOf(null) !== place)
    throw new Problem(
      'invalid',
      `the shape of input ${name} does not follow from the bytes; send a JSON header`,
    )
  const rest = elementsOf(known.map((size) => size ?? 1))
  const found = bytes / widthOf(datatype) / rest
  if (place !== -1 && !Number.isInteger(found))
    throw new Problem(
      'invalid',
      `the body has ${bytes} bytes, but a row of input ${name} has ${rest * widthOf(datatype)}`,
    )
  return known.map((size) => size ?? found)
}
