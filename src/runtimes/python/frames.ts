import type { Readable } from 'node:stream'
import {
  bytesOf,
  elementBytes,
  inForm,
  numericDataOf,
  type NumericType,
  type OutputForm,
} from '#inference'
import type { ModelShape, Outputs, Tensor, TensorType } from '#inference'

// What goes to and comes from sidecar.py: two u32 (bytes of the header, bytes of the body), a JSON header, and the
// numbers of all tensors in order, little-endian, each padded to 8 bytes. Texts are in the header.

const LENGTHS_BYTES = 8
const ALIGNMENT = 8

/** A tensor as a header describes it; `values` are its texts. */
interface WireTensor {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly number[]
  readonly values?: readonly (string | null)[]
}

export type ToSidecar =
  /** It is to import what every model needs. */
  | { readonly type: 'warm' }
  | { readonly type: 'load'; readonly path: string }
  | { readonly type: 'ping'; readonly id: number }
  | {
      readonly type: 'infer'
      readonly id: number
      readonly inputs: readonly WireTensor[]
      readonly params?: string
    }

export type FromSidecar =
  | ({ readonly type: 'loaded'; readonly joins: boolean } & ModelShape)
  | {
      readonly type: 'inferred'
      readonly id: number
      readonly form: OutputForm
      readonly outputs: readonly WireTensor[]
    }
  /** The `id` is 0 when it could not be loaded. */
  | {
      readonly type: 'failed'
      readonly id: number
      readonly kind: 'refused' | 'memory'
      readonly reason: string
    }
  | { readonly type: 'pong'; readonly id: number }

export interface Frame {
  readonly header: FromSidecar
  readonly body: Buffer
}

/** The bytes of a message without tensors. */
export function framed(header: ToSidecar): Buffer[] {
  return encoded(header, [])
}

/** The bytes of a call. */
export function framedCall(
  call: { id: number; params: string | undefined },
  inputs: readonly Tensor[],
): Buffer[] {
  const { id, params } = call
  const header: ToSidecar = {
    type: 'infer',
    id,
    inputs: inputs.map(wireTensor),
    ...(params === undefined ? {} : { params }),
  }
  return encoded(
    header,
    inputs.flatMap(({ type, data }) => (type === 'string' ? [] : padded(bytesOf(data as never)))),
  )
}

function encoded(header: ToSidecar, body: Buffer[]): Buffer[] {
  const text = Buffer.from(JSON.stringify(header))
  const lengths = Buffer.alloc(LENGTHS_BYTES)
  lengths.writeUInt32LE(text.length, 0)
  lengths.writeUInt32LE(
    body.reduce((sum, each) => sum + each.length, 0),
    4,
  )
  return [lengths, text, ...body]
}

function wireTensor({ name, type, shape, data, gaps }: Tensor): WireTensor {
  if (type !== 'string') return { name, type, shape }
  const texts = data as readonly string[]
  const values =
    gaps === undefined ? texts : texts.map((text, index) => (gaps[index] === 1 ? null : text))
  return { name, type, shape, values }
}

function padded(bytes: Buffer): Buffer[] {
  const rest = bytes.length % ALIGNMENT
  return rest === 0 ? [bytes] : [bytes, Buffer.alloc(ALIGNMENT - rest)]
}

/** The tensors of an answer. */
export function outputsIn({ header, body }: Frame & { header: { type: 'inferred' } }): Outputs {
  let offset = 0
  const outputs = header.outputs.map((wire): Tensor => {
    const { name, type, shape, values } = wire
    if (values !== undefined) return textTensor(wire, values)
    const count = shape.reduce((product, size) => product * size, 1)
    const bytes = count * elementBytes(type as NumericType)
    const data = numericDataOf(type as NumericType, body.subarray(offset, offset + bytes))
    offset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
    return { name, type, shape, data }
  })
  return inForm(outputs, header.form)
}

function textTensor({ name, shape }: WireTensor, values: readonly (string | null)[]): Tensor {
  const data = values.map((value) => value ?? '')
  const gaps = values.includes(null)
    ? { gaps: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) }
    : {}
  return { name, type: 'string', shape, data, ...gaps }
}

/** No answer is this long; a model that says one is has written to the channel by itself. */
const FRAME_BYTES_MAX = 2 ** 30

/**
 * Calls back for each whole frame of a stream, and once with what is wrong when it has none: a model may write what it
 * likes, and nothing is read after that.
 */
export function eachFrame(
  stream: Readable,
  onFrame: (frame: Frame) => void,
  onBroken: () => void,
): void {
  const frames = frameReader(onFrame)
  let isBroken = false
  stream.on('data', (chunk: Buffer) => {
    if (isBroken) return
    try {
      frames(chunk)
    } catch {
      isBroken = true
      onBroken()
    }
  })
}

function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  let wanted = LENGTHS_BYTES
  return (chunk) => {
    chunks.push(chunk)
    held += chunk.length
    while (held >= wanted) {
      const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      chunks = [bytes]
      const bodyAt = LENGTHS_BYTES + bytes.readUInt32LE(0)
      const end = bodyAt + bytes.readUInt32LE(4)
      if (end > FRAME_BYTES_MAX) throw new Error('the frame is too long')
      wanted = end
      if (held < end) return
      const header = JSON.parse(bytes.toString('utf8', LENGTHS_BYTES, bodyAt)) as FromSidecar
      onFrame({ header, body: bytes.subarray(bodyAt, end) })
      chunks = [bytes.subarray(end)]
      held -= end
      wanted = LENGTHS_BYTES
    }
  }
}
