import { expect, test } from 'vitest'
import { parseExactJson, printExactJson } from './exact-json.ts'

test('whole numbers keep all their digits, both ways', () => {
  const text = '{"a":[9007199254740993,-9223372036854775808],"b":1.5,"c":"9007199254740993"}'
  const value = parseExactJson(text)
  expect(value).toEqual({
    a: [9007199254740993n, -9223372036854775808n],
    b: 1.5,
    c: '9007199254740993',
  })
  expect(printExactJson(value)).toBe(text)
})

test('a whole number is found wherever it stands', () => {
  const found = 9007199254740993n
  for (const text of ['9007199254740993', ' 9007199254740993'])
    expect(parseExactJson(text)).toBe(found)
  expect(parseExactJson('[0.1234567890123456789,\n9007199254740993]')).toEqual([
    0.12345678901234568,
    found,
  ])
  expect(parseExactJson('{"a":\t-9007199254740993}')).toEqual({ a: -found })
})

test('the tokens of Python are read as gaps and infinities, but not within texts', () => {
  expect(parseExactJson('{"a":[NaN,Infinity,-Infinity,1],"NaN":"a \\"NaN, Infinity"}')).toEqual({
    a: [null, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1],
    NaN: 'a "NaN, Infinity',
  })
  expect(printExactJson([Number.NaN, -Infinity, undefined, null, 'x', true])).toBe(
    '[NaN,-Infinity,null,null,"x",true]',
  )
  for (const text of ['{NaN}', '[NaN', '[NaN,"', '[NaN,"\\"]'])
    expect(() => parseExactJson(text)).toThrow(SyntaxError)
  expect(parseExactJson('[NaN,"\\\\",Infinity,"\\\\\\"NaN"]')).toEqual([
    null,
    '\\',
    Number.POSITIVE_INFINITY,
    '\\"NaN',
  ])
})

test('a token may stand beside a text as long as a picture’s', () => {
  const picture = 'x'.repeat(10_000_000)
  expect(parseExactJson(`[NaN,"${picture}"]`)).toEqual([null, picture])
})
