import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import {
  dataOf,
  elementsOf,
  type Scalar,
  type Takes,
  type Tensor,
  type TensorType,
} from '#inference'
import { examplesIn } from './examples.ts'
import { predictRequestIn } from './request.ts'
import { predictionText } from './response.ts'

const ELEMENTS: Partial<Record<TensorType, fc.Arbitrary<Scalar>>> = {
  float32: fc.float(),
  float64: fc.double(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  int8: fc.integer({ min: -128, max: 127 }),
  bool: fc.boolean(),
  string: fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
}

/** A tensor of at least one row, of up to three dimensions. */
function tensor(name: string, rows: number): fc.Arbitrary<Tensor> {
  return fc
    .tuple(
      fc.constantFrom(...(Object.keys(ELEMENTS) as TensorType[])),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    )
    .chain(([type, tail]) => {
      const shape = [rows, ...tail]
      const length = elementsOf(shape)
      return fc
        .array(ELEMENTS[type] as fc.Arbitrary<Scalar>, { minLength: length, maxLength: length })
        .map((values) => ({ name, type, shape, data: dataOf(type, values) }))
    })
}

function takesOf(tensors: readonly Tensor[]): Takes {
  const inputs = tensors.map(({ name, type, shape }) => ({
    name,
    type,
    shape: shape.map(() => null),
  }))
  return { shape: { inputs, outputs: inputs }, columns: null }
}

const tensors = fc
  .integer({ min: 1, max: 4 })
  .chain((rows) => fc.tuple(tensor('a', rows), tensor('b', rows)))

test.each(['row', 'column'] as const)(
  'what is answered by %s is read as the same tensors when it is asked',
  (form) => {
    fc.assert(
      fc.property(tensors, fc.boolean(), (both, alone) => {
        const outputs = alone ? [both[0]] : both
        const answer = { batch: 'b', revision: 1, modelVersion: 'm/1', rows: 1, outputs }
        const text = predictionText(answer, form).replace(
          /^\{"\w+"/,
          form === 'row' ? '{"instances"' : '{"inputs"',
        )
        expect(predictRequestIn(Buffer.from(text), takesOf(outputs))).toEqual({
          form,
          input: { form: 'tensors', tensors: outputs },
        })
      }),
    )
  },
)

const flights: Takes = {
  shape: {
    inputs: [
      { name: 'carrier', type: 'string', shape: [null, 1] },
      { name: 'hour', type: 'float32', shape: [null, 1] },
      { name: 'pixels', type: 'uint8', shape: [null, 2, 2] },
    ],
    outputs: [],
  },
  columns: null,
}
const columned: Takes = {
  ...flights,
  columns: [
    { name: 'carrier', type: 'string', required: true },
    { name: 'hour', type: 'double', required: false },
  ],
}
const single: Takes = {
  shape: { inputs: [{ name: 'x', type: 'int64', shape: [null] }], outputs: [] },
  columns: null,
}

test('whatever is sent is read or refused as a problem, and nothing else happens', () => {
  const keys = fc.constantFrom('carrier', 'hour', 'pixels', 'x', 'b64', '__proto__', 'constructor')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, -1, 1.5, 1e300, 'AA', '', '\0', '/w=='),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
    ),
  }))
  const top = fc.constantFrom('instances', 'inputs', 'examples', 'context', 'signature_name')
  const body = fc.oneof(
    fc.dictionary(top, value, { maxKeys: 3 }).map((each) => JSON.stringify(each)),
    value.map((each) => JSON.stringify(each)),
    fc.json(),
    fc.string(),
  )
  const bytes = fc.oneof(
    body.map((text) => Buffer.from(text)),
    body.chain((text) => fc.nat(text.length).map((end) => Buffer.from(text.slice(0, end)))),
    fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
  )
  fc.assert(
    fc.property(bytes, fc.constantFrom(flights, columned, single), (sent, takes) => {
      for (const read of [predictRequestIn, examplesIn])
        try {
          read(sent, takes)
        } catch (error) {
          expect(error).toBeInstanceOf(Problem)
          expect((error as Problem).code).toBe('invalid')
        }
    }),
    { numRuns: 1000 },
  )
})

test('32-bit numbers are written as short as they can be, and floats are told from whole numbers', () => {
  const values: [TensorType, Scalar[], string][] = [
    ['float32', [0.1, 1, -0, 1e30, 16_777_216], '[0.1, 1.0, -0.0, 1e+30, 16777216.0]'],
    ['float64', [0.1, Number.NaN, Infinity], '[0.1, NaN, Infinity]'],
    ['int64', [2n ** 63n - 1n], '[9223372036854775807]'],
  ]
  for (const [type, scalars, text] of values) {
    const output = { name: 'y', type, shape: [scalars.length], data: dataOf(type, scalars) }
    const answer = { batch: 'b', revision: 1, modelVersion: 'm/1', rows: 1, outputs: [output] }
    expect(predictionText(answer, 'row')).toBe(`{"predictions": ${text}}`)
  }
  const bytes = { name: 'image_bytes', type: 'string' as const, shape: [1], data: ['hi'] }
  const answer = { batch: 'b', revision: 1, modelVersion: 'm/1', rows: 1, outputs: [bytes] }
  expect(predictionText(answer, 'column')).toBe('{"outputs": [{"b64": "aGk="}]}')
})
