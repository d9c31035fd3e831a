import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import {
  bytesOf,
  dataOf,
  elementsOf,
  type NumericData,
  type Scalar,
  type TensorType,
} from '#inference'
import type { TensorProto } from './messages.ts'
import { tensorIn, tensorToProto } from './tensor-proto.ts'

const EMPTY: TensorProto = {
  dtype: 'DT_FLOAT',
  tensor_shape: { dim: [], unknown_rank: false },
  tensor_content: Buffer.alloc(0),
  half_val: [],
  float_val: [],
  double_val: [],
  int_val: [],
  string_val: [],
  int64_val: [],
  bool_val: [],
  uint32_val: [],
  uint64_val: [],
}

const whole = (bits: number, signed: boolean) =>
  fc.integer(
    signed ? { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 } : { min: 0, max: 2 ** bits - 1 },
  )

const ELEMENTS: Record<TensorType, fc.Arbitrary<Scalar>> = {
  bool: fc.boolean(),
  uint8: whole(8, false),
  uint16: whole(16, false),
  uint32: whole(32, false),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  int8: whole(8, true),
  int16: whole(16, true),
  int32: whole(32, true),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float16: fc.constantFrom(0, 1.5, -65_504, Number.NaN, Infinity),
  float32: fc.float(),
  float64: fc.double(),
  string: fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
}

const tensor = fc
  .tuple(
    fc.constantFrom(...(Object.keys(ELEMENTS) as TensorType[])),
    fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  )
  .chain(([type, shape]) => {
    const length = elementsOf(shape)
    return fc
      .array(ELEMENTS[type], { minLength: length, maxLength: length })
      .map((values) => ({ name: 'x', type, shape, data: dataOf(type, values) }))
  })

test('a tensor of any type comes back from its list, and from its bytes', () => {
  fc.assert(
    fc.property(tensor, (sent) => {
      const proto = { ...EMPTY, ...tensorToProto(sent) } as TensorProto
      expect(tensorIn('x', proto)).toEqual(sent)
      if (sent.type === 'string') return
      const { dtype, tensor_shape } = proto
      const content = bytesOf(sent.data as NumericData)
      expect(tensorIn('x', { ...EMPTY, dtype, tensor_shape, tensor_content: content })).toEqual(
        sent,
      )
    }),
  )
})

test('a shorter list is filled with its last element', () => {
  const shape = { dim: [{ size: '2' }, { size: '2' }], unknown_rank: false }
  const filled = (proto: Partial<TensorProto>) => [
    ...tensorIn('x', { ...EMPTY, tensor_shape: shape, ...proto }).data,
  ]
  expect(filled({ float_val: [7] })).toEqual([7, 7, 7, 7])
  expect(filled({ float_val: [1, 2] })).toEqual([1, 2, 2, 2])
  expect(filled({ dtype: 'DT_STRING', string_val: [Buffer.from('a')] })).toEqual([
    'a',
    'a',
    'a',
    'a',
  ])
  expect(filled({ dtype: 'DT_INT64', int64_val: ['9007199254740993'] })[3]).toBe(2n ** 53n + 1n)
})

test('whatever a proto says, it is read or refused as a problem', () => {
  const proto = fc.record({
    dtype: fc.oneof(
      fc.constantFrom(
        'DT_FLOAT',
        'DT_INT8',
        'DT_STRING',
        'DT_HALF',
        'DT_BOOL',
        'DT_BFLOAT16',
        'DT_INVALID',
        '__proto__',
      ),
      fc.nat(200),
    ),
    tensor_shape: fc.oneof(
      fc.constant(null),
      fc.record({
        dim: fc.array(
          fc.record({
            size: fc.constantFrom('0', '1', '2', '-1', '99999999', '9223372036854775807'),
          }),
          { maxLength: 4 },
        ),
        unknown_rank: fc.boolean(),
      }),
    ),
    tensor_content: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
    int_val: fc.array(fc.integer(), { maxLength: 3 }),
    half_val: fc.array(fc.integer(), { maxLength: 3 }),
    float_val: fc.array(fc.float(), { maxLength: 3 }),
    string_val: fc.array(
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 3 },
    ),
  })
  fc.assert(
    fc.property(proto, (sent) => {
      try {
        const { shape, data } = tensorIn('x', { ...EMPTY, ...sent })
        expect(data.length).toBe(elementsOf(shape))
      } catch (error) {
        expect(error).toBeInstanceOf(Problem)
      }
    }),
    { numRuns: 500 },
  )
})
