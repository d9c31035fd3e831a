import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import type { Takes } from '#inference'
import { itemIn } from './body.ts'
import { askedIn } from './request.ts'
import { answerText } from './response.ts'

const matrix: Takes = {
  shape: { inputs: [{ name: 'x', type: 'float32', shape: [null, 2] }], outputs: [] },
  columns: null,
}
const text: Takes = {
  shape: { inputs: [{ name: 'words', type: 'string', shape: [null, 1] }], outputs: [] },
  columns: null,
}
const several: Takes = {
  shape: {
    inputs: [
      { name: 'carrier', type: 'string', shape: [null, 1] },
      { name: 'hour', type: 'float32', shape: [null, 1] },
    ],
    outputs: [],
  },
  columns: null,
}

test.each([
  ['[1, 2]', matrix, 'row', [1, 2]],
  ['[[1, 2]]', matrix, 'rows', [1, 2]],
  ['{"x": [1, 2]}', matrix, 'row', [1, 2]],
  ['{"instances": [[1, 2]]}', matrix, 'predictions', [1, 2]],
  ['good day', text, 'row', ['good day']],
  ['["good", "day"]', text, 'rows', ['good', 'day']],
] as const)('%s is asked as the model takes it', async (body, takes, answer, data) => {
  const asked = askedIn(await itemIn('text/plain', Buffer.from(body)), takes)
  expect(asked.answer).toBe(answer)
  const { input } = asked
  expect(input.form === 'tensors' && [...(input.tensors[0]?.data ?? [])]).toEqual(data)
})

test('names with lists are columns where the model takes single values', async () => {
  const item = await itemIn('application/json', Buffer.from('{"carrier":["AA","B6"],"hour":[1,2]}'))
  expect(askedIn(item, several)).toMatchObject({
    answer: 'rows',
    input: { tensors: [{ shape: [2], data: ['AA', 'B6'] }, { shape: [2] }] },
  })
})

test('texts go out as they are, all else as Python indents it', () => {
  const answer = { batch: 'b', revision: 1, modelVersion: 'm/1', rows: 1 }
  const words = { name: 'y', type: 'string' as const, shape: [1], data: ['yes'] }
  expect(answerText({ ...answer, outputs: [words] }, 'row')).toEqual({ text: 'yes', isJson: false })
  const scores = {
    name: 's',
    type: 'float64' as const,
    shape: [1, 2],
    data: Float64Array.of(Number.NaN, 1),
  }
  expect(answerText({ ...answer, outputs: [words, scores] }, 'row').text).toBe(
    '{\n  "y": "yes",\n  "s": [\n    NaN,\n    1\n  ]\n}',
  )
})

test('whatever is sent is read or refused as a problem', async () => {
  const keys = fc.constantFrom('x', 'carrier', 'hour', 'data', 'body', 'instances', '__proto__')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, 1.5, 1e300, 'AA', '', '\0'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
    ),
  }))
  const bytes = fc.oneof(
    value.map((each) => Buffer.from(JSON.stringify(each))),
    fc.string().map((each) => Buffer.from(each)),
    fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
    fc.constant(
      Buffer.from('--x\r\ncontent-disposition: form-data; name="data"\r\n\r\n[1,2]\r\n--x--\r\n'),
    ),
  )
  const type = fc.constantFrom(
    undefined,
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'image/png',
  )
  await fc.assert(
    fc.asyncProperty(
      type,
      bytes,
      fc.constantFrom(matrix, text, several),
      async (kind, sent, takes) => {
        try {
          askedIn(await itemIn(kind, sent), takes)
        } catch (error) {
          expect(error).toBeInstanceOf(Problem)
          expect((error as Problem).code).toBe('invalid')
        }
      },
    ),
    { numRuns: 500 },
  )
})
