import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Tensor, TensorType } from '#inference'
import type { Answered } from './ask.ts'
import { datatypeOf } from './datatypes.ts'
import { sentOutputs } from './outputs.ts'
import { blockOf, versionOf } from './response.ts'
import type { GrpcInferRequest } from './request-messages.ts'

const VARINT = WireType.Varint
const BYTES = WireType.LengthDelimited

/** A request's answer, before it is bytes. */
export interface GrpcAnswer extends Answered {
  readonly asked: GrpcInferRequest
}

/** Writes a `ModelInferResponse`: its tensors as bytes if those of the request were, or if they cannot be listed. */
export function inferResponseInProtobuf({
  asked,
  answer,
  wishes,
  explanation,
}: GrpcAnswer): Uint8Array {
  const tensors = sentOutputs(asked.request, answer).map(({ tensor }) => tensor)
  const raw = asked.raw || wishes.binary || tensors.some(({ type }) => type === 'float16')
  const writer = new BinaryWriter()
  writer.tag(1, BYTES).string(asked.model).tag(2, BYTES).string(versionOf(answer))
  if (asked.request.id !== undefined) writer.tag(3, BYTES).string(asked.request.id)
  writer.tag(4, BYTES).fork().tag(1, BYTES).string('prediction_id')
  writer.tag(2, BYTES).fork().tag(3, BYTES).string(answer.batch).join().join()
  writer.tag(4, BYTES).fork().tag(1, BYTES).string('revision')
  writer.tag(2, BYTES).fork().tag(2, VARINT).int64(answer.revision).join().join()
  if (explanation !== undefined) {
    writer.tag(4, BYTES).fork().tag(1, BYTES).string('explanation')
    writer.tag(2, BYTES).fork().tag(3, BYTES).string(explanation).join().join()
  }
  for (const tensor of tensors) {
    writer.tag(5, BYTES).fork()
    writeTensor(writer, tensor)
    if (!raw) writeContents(writer, tensor)
    writer.join()
  }
  if (raw) for (const tensor of tensors) writer.tag(6, BYTES).bytes(blockOf(tensor))
  return writer.finish()
}

/** Writes a `ModelStreamInferResponse`: an answer, or why there is none. */
export function streamResponseInProtobuf(
  answered: GrpcAnswer | { readonly error: string; readonly id: string | undefined },
): Uint8Array {
  const writer = new BinaryWriter()
  if ('answer' in answered)
    return writer.tag(2, BYTES).bytes(inferResponseInProtobuf(answered)).finish()
  writer.tag(1, BYTES).string(answered.error)
  // By its id a client knows which of its requests was refused.
  if (answered.id !== undefined)
    writer.tag(2, BYTES).fork().tag(3, BYTES).string(answered.id).join()
  return writer.finish()
}

function writeTensor(writer: BinaryWriter, { name, type, shape }: Tensor): void {
  writer.tag(1, BYTES).string(name).tag(2, BYTES).string(datatypeOf(type))
  writer.tag(3, BYTES).fork()
  for (const size of shape) writer.int64(size)
  writer.join()
}

/** Adds the elements as the list that their type has. */
function writeContents(writer: BinaryWriter, tensor: Tensor): void {
  const field = LISTS[tensor.type]
  writer.tag(5, BYTES).fork()
  if (tensor.type === 'string')
    for (const text of tensor.data as readonly string[]) writer.tag(field, BYTES).string(text)
  else if (tensor.data.length > 0) {
    writer.tag(field, BYTES)
    // Floats lie in the list as they lie in memory.
    if (tensor.type === 'float32' || tensor.type === 'float64') writer.bytes(blockOf(tensor))
    else {
      writer.fork()
      for (const element of tensor.data as Int32Array | BigInt64Array)
        writeElement(writer, field, element)
      writer.join()
    }
  }
  writer.join()
}

function writeElement(writer: BinaryWriter, field: number, element: number | bigint): void {
  if (typeof element === 'bigint') {
    if (field === 3) writer.int64(element)
    else writer.uint64(element)
  } else if (field === 2) writer.int32(element)
  else writer.uint32(element)
}

const LISTS: Readonly<Record<TensorType, number>> = {
  bool: 1,
  int8: 2,
  int16: 2,
  int32: 2,
  int64: 3,
  uint8: 4,
  uint16: 4,
  uint32: 4,
  uint64: 5,
  // Sent as bytes; there is no list for it.
  float16: 0,
  float32: 6,
  float64: 7,
  string: 8,
}
