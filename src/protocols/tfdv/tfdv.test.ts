import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Contract, Dataset } from '#contracts'
import { printSchema, readSchema } from './index.ts'
import { printTextFormat, readTextFormat, type Message } from './text-format.ts'

const SCHEMA = `
# Made by hand.
feature {
  name: "age" type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  int_domain { min: 0 max: 120 }
  shape { dim { size: 1 } }
  annotation { tag: "pii" }
}
feature: <
  name: 'income'
  type: FLOAT
  value_count { min: 1 max: 1 }
  presence { min_fraction: 0.95; min_count: 1 }
  float_domain { min: -1.5e3, disallow_nan: true disallow_inf: true }
  drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }
>
feature { name: "country" type: BYTES domain: "countries" distribution_constraints { min_domain_mass: 0.99 } unique_constraints { min: 2 max: 3 } }
feature { name: "old" type: BYTES lifecycle_stage: DEPRECATED presence { min_fraction: 1 } }
feature { name: "tags" type: BYTES value_count { min: 0 max: 9 } }
string_domain { name: "countries" value: ["DE", "FR", "\\303\\251t\\303\\251", "say \\"hi\\"" " there"] }
default_environment: ["TRAINING", "SERVING"]
dataset_constraints { min_examples_count: 10 }
sparse_feature { name: "s" index_feature { name: "i" } }
`

function read(source: string): { contract: Contract; dataset: Dataset } {
  const { contract, problems } = readSchema(source, { name: 'd' })
  expect(problems).toEqual([])
  const dataset = contract?.datasets[0]
  if (contract === undefined || dataset === undefined) throw new Error('no contract')
  return { contract, dataset }
}

describe('a schema of TFDV', () => {
  test('becomes rules', () => {
    const { dataset } = read(SCHEMA)
    const said = dataset.rules.map(({ test: { kind, ...rest }, limit }) => [
      kind,
      rest,
      'value' in limit ? `${limit.operator} ${limit.value} ${limit.unit}` : '',
    ])
    expect(dataset.columns).toEqual([
      { name: 'age', type: 'integer' },
      { name: 'income', type: 'number' },
      { name: 'country', type: 'string' },
      // A contract would hold the data to the type of a column, and TFDV holds it to nothing of this feature.
      { name: 'old', type: undefined },
      { name: 'tags', type: 'array' },
    ])
    const none = '= 0 rows'
    expect(said.slice(1)).toEqual([
      ['column', { column: 'age' }, none],
      ['type', { column: 'age', type: 'integer' }, none],
      ['nulls', { column: 'age' }, none],
      ['range', { column: 'age', type: 'integer', bounds: { min: 0, max: 120 } }, none],
      ['column', { column: 'income' }, none],
      ['type', { column: 'income', type: 'number' }, none],
      ['nulls', { column: 'income' }, '<= 5 percent'],
      ['range', { column: 'income', type: 'number', bounds: { min: -1500 } }, none],
      ['nan', { column: 'income' }, none],
      ['infinite', { column: 'income' }, none],
      ['type', { column: 'country', type: 'string' }, none],
      ['set', { column: 'country', values: ['DE', 'FR', 'été', 'say "hi" there'] }, '<= 1 percent'],
      ['distinct', { column: 'country' }, '>= 2 rows'],
      ['distinct', { column: 'country' }, '<= 3 rows'],
      ['type', { column: 'tags', type: 'array' }, none],
      ['rows', {}, '>= 10 rows'],
    ])
  })

  test('goes back as it came, with what no rule says', () => {
    const { contract, dataset } = read(SCHEMA)
    const { text, left } = printSchema(contract, dataset)
    expect(left).toEqual([])
    const plain = (message: Message): unknown[] =>
      message.map(({ name, value }) => [
        name,
        value.kind === 'message' ? plain(value.fields) : value,
      ])
    const sorted = (source: string) =>
      plain(readTextFormat(source).message)
        .map((each) => JSON.stringify(each))
        .toSorted()
    expect(sorted(text)).toEqual(sorted(SCHEMA))
  })

  test('takes over what changed in the contract, and keeps the rest of that feature', () => {
    const { contract, dataset } = read(SCHEMA)
    const rules = dataset.rules.map((rule) =>
      rule.test.kind === 'range' && rule.test.column === 'age'
        ? { ...rule, test: { ...rule.test, bounds: { min: 0, max: 130 } } }
        : rule,
    )
    const { text } = printSchema(contract, { ...dataset, rules })
    expect(text).toContain('max: 130')
    expect(text).toContain('tag: "pii"')
    const again = read(text)
    expect(again.dataset.rules.map(({ test: of }) => of)).toEqual(rules.map(({ test: of }) => of))
  })

  test('may have fields that nobody knows yet', () => {
    const { problems } = readSchema(
      'feature { name: "a" hue: 1 int_domain { step: 2 } constructor {a: 1} } more: 1',
      {
        name: 'd',
      },
    )
    expect(problems).toEqual([])
  })

  test.each([
    ['feature { name: "a"', 1, 'not closed'],
    ['feature {\n name: }', 2, 'where a value belongs'],
    ['\n\nfeature { name: "a" } }', 3, "where a field's name belongs"],
    ['feature { type: INT }', 1, 'has no name'],
    ['', 1, 'no feature'],
    ['feature {\n name: "a"\n int_domian { min: 0 } }', 3, 'write int_domain'],
    ['feature { name: "a"\n int_domain { mn: 0 } }', 2, 'mn is no field of int_domain; write min'],
    ['feature { name: "open }', 1, 'cannot stand here'],
    ['a {'.repeat(1000), 1, 'nested too deeply'],
  ])('that is wrong is refused with its line: %j', (source, line, words) => {
    const { contract, problems } = readSchema(source, { name: 'd' })
    expect(contract).toBeUndefined()
    expect(problems[0]).toMatchObject({ line, message: expect.stringContaining(words) as string })
  })
})

test('print then read gives the same message', () => {
  const { message } = fc.letrec<{ message: Message }>((tie) => ({
    message: fc.array(
      fc.record({
        name: fc.constantFrom('a', 'b_1', 'feature'),
        line: fc.constant(0),
        value: fc.oneof(
          { maxDepth: 3 },
          fc.string({ unit: 'grapheme' }).map((text) => ({ kind: 'text' as const, text })),
          fc
            .constantFrom('INT', 'true', '-1.5e3', '0')
            .map((word) => ({ kind: 'word' as const, word })),
          tie('message').map((fields) => ({ kind: 'message' as const, fields })),
        ),
      }),
      { maxLength: 4 },
    ),
  }))
  const flat = (fields: Message): Message =>
    fields.map(({ name, value }) => ({
      name,
      line: 0,
      value: value.kind === 'message' ? { kind: 'message', fields: flat(value.fields) } : value,
    }))
  fc.assert(
    fc.property(message, (fields) => {
      const again = readTextFormat(printTextFormat(fields))
      expect(again.problems).toEqual([])
      expect(flat(again.message)).toEqual(fields)
    }),
  )
})
