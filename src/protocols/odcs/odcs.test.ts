import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strictRule, type Contract, type Rule, type Test } from '#contracts'
import { printContract, readContract } from './index.ts'
import { scalar } from './print.ts'
import { parse } from 'yaml'

const head = 'apiVersion: v3.1.0\nkind: DataContract\nid: c\nversion: 1.0.0\n'

/** Rules that the text gives, by their ids. */
function rulesOf(text: string): Rule[] {
  const { contract, problems } = readContract(text)
  expect(problems).toEqual([])
  return contract?.datasets.flatMap(({ rules }) => rules) ?? []
}

describe('a contract', () => {
  test('says its rules in the words of the standard', () => {
    const rules = rulesOf(`${head}schema:
  - name: orders
    physicalName: data/orders/*.parquet
    quality:
      - { metric: rowCount, mustBeBetween: [10, 20] }
      - { metric: duplicateValues, arguments: { properties: [id, line] }, mustBeLessThan: 1, unit: percent }
      - { type: text, description: For people. }
      - { type: custom, engine: soda, implementation: anything }
    properties:
      - { name: id, logicalType: integer, primaryKey: true }
      - name: line
        physicalName: LINE_NO
        logicalType: integer
        logicalTypeOptions: { minimum: 0, exclusiveMaximum: 100, multipleOf: 2 }
      - name: state
        logicalType: string
        required: true
        quality:
          - name: known
            metric: invalidValues
            arguments: { validValues: [open, 'no', 3] }
            mustBeLessOrEqualTo: 5
            severity: warning
          - metric: missingValues
            arguments: { missingValues: [null, '', N/A] }
      - name: customer
        relationships: [{ to: people.id }]
      - { name: at, logicalType: timestamp, logicalTypeOptions: { minimum: 2024-01-01 } }
  - name: people
    properties: [{ name: id }]
slaProperties:
  - { property: freshness, value: 2, unit: d, element: orders.at }
`)
    const of = (id: string) => rules.find((rule) => rule.id === id)
    expect(of('orders.rows')).toMatchObject({ limit: { operator: 'between', low: 10, high: 20 } })
    expect(of('orders.id+LINE_NO.duplicates')).toMatchObject({
      limit: { operator: '<', value: 1, unit: 'percent' },
    })
    expect(of('orders.LINE_NO.range')?.test).toMatchObject({
      bounds: { min: 0, exclusiveMax: 100 },
    })
    expect(of('orders.id.nulls')).toBeDefined()
    expect(of('orders.state.known')).toMatchObject({
      severity: 'warning',
      test: { values: ['open', 'no', 3] },
      limit: { operator: '<=', value: 5 },
    })
    expect(of('orders.state.missing')).toMatchObject({ test: { values: ['', 'N/A'] } })
    expect(of('orders.customer.reference')?.test).toMatchObject({ dataset: 'people', to: ['id'] })
    expect(of('orders.at.range')?.test).toMatchObject({ bounds: { min: '2024-01-01' } })
    expect(of('orders.at.age')).toMatchObject({ limit: { operator: '<=', value: 172_800 } })
  })

  test.each([
    ['kind: Pod\n', 'kind', 1, 'must be DataContract'],
    [
      `${head.replace('v3.1.0', 'v2.2.2')}schema: [{ name: a }]\n`,
      'apiVersion',
      1,
      'v3.0.0 or later',
    ],
    [`${head}schema: []\n`, 'schema', 5, 'at least one object'],
    [`${head}schema:\n  - name: a\n  - name: a\n`, 'schema[1].name', 7, 'two objects a'],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n        logicalType: strang\n`,
      'schema[0].properties[0].logicalType',
      9,
      'must be one of',
    ],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n        quality:\n          - metric: nullValues\n            mustBe: many\n`,
      'schema[0].properties[0].quality[0].mustBe',
      11,
      'must be a number',
    ],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n        quality:\n          - metric: nulls\n`,
      'schema[0].properties[0].quality[0].metric',
      10,
      'must be one of',
    ],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n        logicalTypeOptions: { pattern: '(?<=a)b' }\n`,
      'schema[0].properties[0].logicalTypeOptions.pattern',
      9,
      'patterns are RE2',
    ],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n        relationships: [{ to: b.id }]\n`,
      'schema[0].properties[0].relationships[0].to',
      9,
      'no property of this contract',
    ],
    [
      `${head}schema:\n  - name: a\n    properties:\n      - name: x\n      - name: x\n`,
      'schema[0].properties[1]',
      8,
      'two properties x',
    ],
    ['a: [1\n', '', 2, ''],
    ['', '', 1, 'empty'],
    [`a: &a [x, x]\nb: [*a, *a]\n`, '', 2, 'alias *a'],
    [`${'['.repeat(500)}${']'.repeat(500)}`, '', 1, 'nested too deeply'],
    [`${head}id: again\n`, '', 5, 'unique'],
    ['x'.repeat(5_000_000), '', 1, 'longer than'],
  ])('that is wrong is refused with line and key: %#', (text, key, line, words) => {
    const { contract, problems } = readContract(text)
    expect(contract).toBeUndefined()
    const found = problems.find((problem) => problem.key === key && problem.message.includes(words))
    expect(found).toBeDefined()
    expect(Math.abs((found?.line ?? 0) - line)).toBeLessThanOrEqual(1)
  })

  test('is printed and read again as the same contract', () => {
    const column = fc.constantFrom('a', 'b c', 'ü', 'no')
    const plain = fc.oneof(fc.string(), fc.integer(), fc.boolean())
    const tests: fc.Arbitrary<Test> = fc.oneof(
      fc.record({ kind: fc.constant('nulls' as const), column }),
      fc.record({
        kind: fc.constant('set' as const),
        column,
        values: fc.array(plain, { minLength: 1 }),
      }),
      fc.record({ kind: fc.constant('missing' as const), column, values: fc.array(fc.string()) }),
      fc.record({
        kind: fc.constant('sql' as const),
        column,
        query: fc.constantFrom('select 1', 'select\n2 -- #\n'),
      }),
      fc.record({
        kind: fc.constant('duplicates' as const),
        columns: fc.constantFrom(['a'], ['a', 'ü']),
      }),
      fc.record({ kind: fc.constant('distinct' as const), column }),
      fc.record({ kind: fc.constant('rows' as const) }),
    )
    const limit: fc.Arbitrary<Rule['limit']> = fc.oneof(
      fc.record({
        operator: fc.constantFrom('!=' as const, '<=' as const, '>' as const),
        value: fc.integer(),
        unit: fc.constantFrom('rows' as const, 'percent' as const),
      }),
      fc.record({
        operator: fc.constant('between' as const),
        low: fc.constant(1),
        high: fc.integer({ min: 2 }),
        unit: fc.constant('rows' as const),
      }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(tests, limit, fc.constantFrom('error' as const, 'warning' as const))),
        (given) => {
          const rules = given.map(([each, of, severity]) =>
            strictRule('d', each, { limit: of, severity }),
          )
          const names = ['a', 'b c', 'ü', 'no']
          const contract: Contract = {
            id: 'c',
            name: 'c',
            version: '1',
            datasets: [
              {
                name: 'd',
                path: 'data',
                columns: names.map((name) => ({ name, type: undefined })),
                rules,
              },
            ],
          }
          const { contract: read, problems } = readContract(printContract(contract))
          expect(problems).toEqual([])
          const said = (of: readonly Rule[]) =>
            of.map((each) => JSON.stringify({ ...each, id: '' })).toSorted()
          expect(read?.datasets[0]).toMatchObject({ name: 'd', path: 'data' })
          expect(said(read?.datasets[0]?.rules ?? [])).toEqual(said(rules))
        },
      ),
      { numRuns: 60 },
    )
  })
})

test('a value on one line reads as itself, whatever it looks like', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('yes', '1_000', '~', '0x1f', '.inf', 'a: b', '-', 'null'),
      ),
      (text) => {
        expect(parse(`x: ${scalar(text)} # why\n`)).toEqual({ x: text })
        expect(parse(`[${scalar(text)}, y]`)).toEqual([text, 'y'])
      },
    ),
  )
})

test('a key that is that of a rule but for a slip is a fault, and no rule less; other keys are left alone', () => {
  const contract = (lines: string) =>
    readContract(
      `apiVersion: v3.1.0\nkind: DataContract\nid: x\nschema:\n  - name: t\n    ${lines.replaceAll('\n', '\n    ')}\n`,
    )
  const property = (lines: string) =>
    contract(`properties:\n  - name: c\n    ${lines.replaceAll('\n', '\n    ')}`)
  const slips: [string, string, string][] = [
    ['requird: true', 'requird', 'required'],
    ['Unique: true', 'Unique', 'unique'],
    ['logicalTypeOptions:\n  minimun: 1', 'logicalTypeOptions.minimun', 'minimum'],
    [
      'quality:\n  - metric: nullValues\n    mustBeLesThan: 3',
      'quality[0].mustBeLesThan',
      'mustBeLessThan',
    ],
  ]
  for (const [lines, key, meant] of slips)
    expect(property(lines).problems).toEqual([
      {
        line: expect.any(Number) as number,
        key: `schema[0].properties[0].${key}`,
        message: `it is no key of the standard; write ${meant}`,
      },
    ])
  expect(contract('propertys: []').problems).toMatchObject([{ message: /properties/ }])
  const standard =
    'businessName: C\nphysicalType: int\nclassification: public\nexamples: [1]\ntags: [a]\nencryptedName: e\npartitioned: true\ncriticalDataElement: true\nlogicalType: array\nlogicalTypeOptions:\n  uniqueItems: true\n  timezone: true\n  minProperties: 1'
  expect(property(standard).problems).toEqual([])
})
