import fc from 'fast-check'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import { valueAt, type Tensor } from '#inference'
import { inferRequestInProtobuf } from './request-messages.ts'
import { inferRequestIn } from './request.ts'

const x = (more: object) => ({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], ...more }] })

test('bytes of any kind are a request or a problem, and never a fault', () => {
  const json = fc.oneof(
    fc.json(),
    fc.constant(JSON.stringify(x({ data: [1, 2] }))),
    fc
      .json()
      .map((data) => `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":${data}}]}`),
    fc.json().map((each) => `{"inputs":[${each}],"outputs":[${each}],"parameters":${each}}`),
  )
  const body = fc.oneof(json.map(Buffer.from), fc.uint8Array().map(Buffer.from))
  const length = fc.option(fc.oneof(fc.nat(200).map(String), fc.string()), { nil: undefined })
  fc.assert(
    fc.property(body, length, (bytes, header) => {
      expect(faultOf(() => inferRequestIn(bytes, header))).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

test('a message that is cut, flipped or joined from pieces is a request or refused', () => {
  const whole = message([1.5, 2.5])
  const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length))
  const flipped = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 })
    .map((flips) => {
      const bytes = Uint8Array.from(whole)
      for (const [place, byte] of flips) bytes[place] = byte
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(cut, flipped, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      try {
        inferRequestInProtobuf(bytes)
      } catch (error) {
        // What reads bytes throws errors of its own; whoever serves takes them for the caller's.
        expect(error).toBeInstanceOf(Error)
        expect(error).not.toBeInstanceOf(TypeError)
      }
    }),
    { numRuns: 3000 },
  )
})

test('whole numbers keep their digits and their bounds in every type', () => {
  for (const bits of [8, 16, 32, 64])
    for (const sign of ['', 'U']) {
      const datatype = `${sign}INT${bits}`
      const least = sign === 'U' ? 0n : -(2n ** BigInt(bits - 1))
      const most = 2n ** BigInt(sign === 'U' ? bits : bits - 1) - 1n
      const body = (data: readonly bigint[]) =>
        Buffer.from(
          `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1,2],"data":[${data.join()}]}]}`,
        )
      const [input] = inferRequestIn(body([least, most]), undefined).inputs
      expect(Array.from(input?.tensor.data ?? [], BigInt)).toEqual([least, most])
      for (const beyond of [least - 1n, most + 1n])
        expect(() => inferRequestIn(body([beyond, 0n]), undefined)).toThrow(`no ${datatype}`)
    }
})

test('elements lie flat or nested, and their number must be the shape’s', () => {
  const read = (data: unknown) =>
    values(inferRequestIn(Buffer.from(JSON.stringify(x({ data }))), undefined).inputs[0]?.tensor)
  expect(read([1, 2])).toEqual([1, 2])
  expect(read([[1, 2]])).toEqual([1, 2])
  expect(read([[[1]], [[2]]])).toEqual([1, 2])
  for (const data of [[1], [1, 2, 3], [[1, [2, 3]]], 1, null, {}])
    expect(() => read(data)).toThrow(Problem)
})

test('text that is no UTF-8 is refused, and never read as another text', () => {
  const head = '{"inputs":[{"name":"x","datatype":"BYTES","shape":[1,1],"data":["'
  const body = Buffer.concat([Buffer.from(head), Buffer.from([0xff]), Buffer.from('"]}]}')])
  expect(() => inferRequestIn(body, undefined)).toThrow(/not UTF-8/)
})

test('packed and unpacked lists are the same message', () => {
  const unpacked = new BinaryWriter().tag(1, WireType.LengthDelimited).string('m')
  unpacked.tag(5, WireType.LengthDelimited).fork()
  unpacked
    .tag(1, WireType.LengthDelimited)
    .string('x')
    .tag(2, WireType.LengthDelimited)
    .string('FP32')
  unpacked.tag(3, WireType.Varint).int64(1).tag(3, WireType.Varint).int64(2)
  unpacked.tag(5, WireType.LengthDelimited).fork()
  unpacked.tag(6, WireType.Bit32).float(1.5).tag(6, WireType.Bit32).float(2.5)
  const read = [unpacked.join().join().finish(), message([1.5, 2.5])].map(inferRequestInProtobuf)
  expect(read.map(({ request }) => values(request.inputs[0]?.tensor))).toEqual([
    [1.5, 2.5],
    [1.5, 2.5],
  ])
})

/** A request for the model m with one block of floats, in a packed list. */
function message(data: readonly number[]): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string('m')
  writer.tag(4, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string('timeout')
  writer.tag(2, WireType.LengthDelimited).fork().tag(2, WireType.Varint).int64(7).join().join()
  writer.tag(5, WireType.LengthDelimited).fork()
  writer
    .tag(1, WireType.LengthDelimited)
    .string('x')
    .tag(2, WireType.LengthDelimited)
    .string('FP32')
  writer.tag(3, WireType.LengthDelimited).fork().int64(1).int64(data.length).join()
  writer.tag(5, WireType.LengthDelimited).fork().tag(6, WireType.LengthDelimited).fork()
  for (const value of data) writer.float(value)
  writer.join().join().join()
  return writer.finish()
}

function values(tensor: Tensor | undefined) {
  return tensor === undefined
    ? []
    : Array.from({ length: tensor.data.length }, (_, index) => valueAt(tensor, index))
}

/** What reading throws that is no problem. */
function faultOf(read: () => unknown): unknown {
  try {
    read()
    return undefined
  } catch (error) {
    return error instanceof Problem ? undefined : error
  }
}
