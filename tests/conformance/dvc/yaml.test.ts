import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pythonJson } from '#protocols/dvc/python'
import { printYaml } from '#protocols/dvc/yaml-write'
import type { ParamMap, ParamValue } from '#stages'
import { python, REVIVE, tagged } from './support.ts'

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    '007',
    '1e5',
    'true',
    'null',
    '~',
    '',
    '2020-01-01',
    '0o17',
    '1_000',
    '.5',
    '=',
    '<<',
    'yes',
    'off',
    '12:30',
    'a:b',
    '-x',
    '?x',
    '- x',
    'a: b',
    'a #b',
    '#x',
    ' x',
    'x ',
    '---',
    "it's",
    '"',
    'a\nb',
    'a\n b',
    '\n',
    '\ttab',
    '\u0085',
    '\ufeff',
    '\u2028',
    '1.',
    '+.inf',
    '.nan',
    '0x1F',
    '0b1',
    '2001-1-1 1:1:1',
    '-',
    '?',
    ':',
    '!x',
    '&a',
    '*a',
    '%x',
    '@x',
    '`x',
    '|',
    '>',
    '[a',
    '{a',
    'é',
    'e\u0301',
    '😀',
  ),
  fc
    .array(
      fc.constantFrom(
        'word',
        'a',
        'longer-than-most-words',
        '--option=value',
        "it's",
        'ünïcode',
        '😀',
        '"q"',
        ' ',
        'x'.repeat(90),
        '\\',
      ),
      { maxLength: 40 },
    )
    .map((words) => words.join(' ')),
  fc
    .array(
      fc.constantFrom(
        'line of text',
        'a',
        ' b',
        "it's",
        'tab\there',
        'word '.repeat(20),
        'x'.repeat(85),
      ),
      { maxLength: 8 },
    )
    .map((lines) => lines.join('\n')),
)
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(
    1e-5,
    1e16,
    1e15,
    1e30,
    100000,
    1,
    0.1,
    -0,
    1e-4,
    123456789012345680,
    5e-324,
    0.00012,
  ),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
)
const scalar: fc.Arbitrary<ParamValue> = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const key = fc.oneof(text, fc.string({ maxLength: 3 }))

function mapOf(value: fc.Arbitrary<ParamValue>): fc.Arbitrary<ParamMap> {
  return fc.array(fc.tuple(key, value), { maxLength: 4 }).map((pairs) => new Map(pairs))
}

const { value } = fc.letrec<{ value: ParamValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    mapOf(tie('value')),
  ),
}))
const document = mapOf(value)

describe('YAML and JSON as Python writes them', () => {
  test('printing a value gives the bytes that ruamel.yaml gives', () => {
    const documents = fc.sample(document, {
      numRuns: 1500,
      seed: 20,
    })
    const expected = python(
      `${REVIVE}
from dvc.utils.serialize._yaml import dumps_yaml
print(json.dumps([dumps_yaml(v) for v in values]))`,
      documents.map(tagged),
    ) as string[]
    for (const [index, each] of documents.entries()) expect(printYaml(each)).toBe(expected[index])
  })

  test('JSON for hashes has the bytes of json.dumps', () => {
    const documents = fc.sample(document, { numRuns: 1500, seed: 21 })
    const expected = python(
      `${REVIVE}
print(json.dumps([json.dumps(v, sort_keys=True) for v in values]))`,
      documents.map(tagged),
    ) as string[]
    for (const [index, each] of documents.entries()) expect(pythonJson(each)).toBe(expected[index])
  })
})
