import { expect, test } from 'vitest'
import { parsePythonJson, pythonJson, type Value } from './python-json.ts'

// The texts are what Python 3.11 printed.
test.each<[string, Value]>([
  ['{"a": 1, "b": [1.0, "é\\"\\n"]}', { a: 1n, b: [1, 'é"\n'] }],
  [
    '[0.1, 1e+16, 1.2345678901234568e+17, 1e-05, 0.0001, 1.5e-07, -0.0]',
    [0.1, 1e16, 123456789012345680, 1e-5, 0.0001, 1.5e-7, -0],
  ],
  ['[NaN, Infinity, -Infinity, true, null]', [Number.NaN, 1 / 0, -1 / 0, true, null]],
  ['{}', {}],
  ['9223372036854775807', 9223372036854775807n],
])('%s is what Python writes, and is read back', (text, value) => {
  expect(pythonJson(value)).toBe(text)
  expect(parsePythonJson(text)).toEqual(value)
})

test('what is no JSON is told as such', () => {
  for (const text of ['', 'yes', '{"a": NaN', "'a'"]) expect(parsePythonJson(text)).toBeUndefined()
})
