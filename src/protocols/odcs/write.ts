import { stringify } from 'yaml'
import type { Column, Contract, Dataset, Limit, Rule, Test } from '#contracts'
import { API_VERSION } from './print.ts'
import { ENGINE } from './quality.ts'

type Entry = Record<string, unknown>

/** A contract as text, which reads as the same contract. */
export function printContract(contract: Contract): string {
  const { id, name, version, kept, datasets } = contract
  const service = datasets.flatMap(serviceOf)
  const foreign = Object.entries(kept ?? {}).map(([property, value]) => ({ property, value }))
  return stringify(
    {
      apiVersion: API_VERSION,
      kind: 'DataContract',
      id,
      name,
      version,
      status: 'draft',
      schema: datasets.map(objectOf),
      ...(service.length === 0 ? {} : { slaProperties: service }),
      ...(foreign.length === 0 ? {} : { customProperties: foreign }),
    },
    // Readers of contracts follow no alias.
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

function objectOf({ name, path, columns, rules }: Dataset): Entry {
  const extra = rules.find(({ test }) => test.kind === 'other-columns')?.severity ?? 'ignore'
  const whole = rules.filter(({ test }) => isOfDataset(test))
  const quality = whole.flatMap(datasetQuality)
  const relationships = whole.flatMap(relationOf)
  return {
    name,
    logicalType: 'object',
    ...(path === undefined ? {} : { physicalName: /[/.]/.test(path) ? path : `./${path}` }),
    ...(extra === 'warning'
      ? {}
      : { customProperties: [{ property: 'additionalColumns', value: extra }] }),
    ...(relationships.length === 0 ? {} : { relationships }),
    ...(quality.length === 0 ? {} : { quality }),
    properties: columns.map((column) =>
      propertyOf(
        column,
        rules.filter(({ test }) => isOfColumn(test, column.name)),
      ),
    ),
  }
}

function isOfDataset(test: Test): boolean {
  if (test.kind === 'duplicates' || test.kind === 'reference') return test.columns.length > 1
  return test.kind === 'rows' || (test.kind === 'sql' && test.column === undefined)
}

function isOfColumn(test: Test, column: string): boolean {
  if (test.kind === 'duplicates' || test.kind === 'reference')
    return test.columns.length === 1 && test.columns[0] === column
  return 'column' in test && test.column === column
}

function isStrict({ limit, severity }: Rule): boolean {
  return severity === 'error' && limit.operator === '=' && limit.value === 0
}

function datasetQuality(rule: Rule): Entry[] {
  const { test } = rule
  if (test.kind === 'rows') return [{ metric: 'rowCount', ...rest(rule) }]
  if (test.kind === 'duplicates')
    return [{ metric: 'duplicateValues', arguments: { properties: test.columns }, ...rest(rule) }]
  return test.kind === 'sql' ? [{ type: 'sql', query: test.query, ...rest(rule) }] : []
}

function relationOf({ test }: Rule): Entry[] {
  if (test.kind !== 'reference') return []
  const to = test.to.map((column) => `${test.dataset}.${column}`)
  return test.columns.length === 1
    ? [{ type: 'foreignKey', to: to[0] }]
    : [{ type: 'foreignKey', from: test.columns, to }]
}

function propertyOf(column: Column, rules: readonly Rule[]): Entry {
  const has = (kind: Test['kind']) =>
    rules.some((rule) => rule.test.kind === kind && isStrict(rule))
  const options = Object.assign({}, ...rules.filter(isStrict).map(optionsOf)) as Entry
  const relationships = rules.flatMap(relationOf)
  const quality = rules.flatMap(qualityOf)
  return {
    name: column.name,
    ...(column.type === undefined ? {} : { logicalType: column.type }),
    ...(has('nulls') ? { required: true } : {}),
    ...(has('duplicates') ? { unique: true } : {}),
    ...(Object.keys(options).length === 0 ? {} : { logicalTypeOptions: options }),
    ...(relationships.length === 0 ? {} : { relationships }),
    ...(quality.length === 0 ? {} : { quality }),
    ...(rules.some(({ test }) => test.kind === 'column')
      ? {}
      : { customProperties: [{ property: 'optional', value: true }] }),
  }
}

function optionsOf({ test }: Rule): Entry {
  if (test.kind === 'pattern') return { pattern: test.pattern }
  if (test.kind === 'multiple') return { multipleOf: test.of }
  if (test.kind === 'length') {
    const names = test.of === 'text' ? ['minLength', 'maxLength'] : ['minItems', 'maxItems']
    return {
      ...(test.min === undefined ? {} : { [names[0] as string]: test.min }),
      ...(test.max === undefined ? {} : { [names[1] as string]: test.max }),
    }
  }
  if (test.kind !== 'range') return {}
  const { min, max, exclusiveMin, exclusiveMax } = test.bounds
  return {
    ...(min === undefined ? {} : { minimum: min }),
    ...(exclusiveMin === undefined ? {} : { exclusiveMinimum: exclusiveMin }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(exclusiveMax === undefined ? {} : { exclusiveMaximum: exclusiveMax }),
  }
}

function qualityOf(rule: Rule): Entry[] {
  const { test } = rule
  const isSaid = isStrict(rule)
  if (test.kind === 'missing')
    return [
      {
        metric: 'missingValues',
        arguments: { missingValues: [null, ...test.values] },
        ...rest(rule),
      },
    ]
  if (test.kind === 'set')
    return [{ metric: 'invalidValues', arguments: { validValues: test.values }, ...rest(rule) }]
  if (test.kind === 'sql') return [{ type: 'sql', query: test.query, ...rest(rule) }]
  if (test.kind === 'nulls' && !isSaid) return [{ metric: 'nullValues', ...rest(rule) }]
  if (test.kind === 'duplicates' && !isSaid) return [{ metric: 'duplicateValues', ...rest(rule) }]
  if (test.kind === 'pattern' && !isSaid)
    return [{ metric: 'invalidValues', arguments: { pattern: test.pattern }, ...rest(rule) }]
  if (test.kind === 'nan' || test.kind === 'infinite' || test.kind === 'distinct')
    return [ours(rule, { check: test.kind, ...limitOf(rule.limit) })]
  if (test.kind !== 'drift') return []
  const { method, reference } = test
  const maximum = 'value' in rule.limit ? { maximum: rule.limit.value } : {}
  return [ours(rule, { check: 'drift', method, reference, ...maximum })]
}

function ours(rule: Rule, implementation: Entry): Entry {
  const { limit: _, ...others } = rule
  return { type: 'custom', engine: ENGINE, implementation, ...about(others) }
}

function rest(rule: Rule): Entry {
  return { ...limitOf(rule.limit), ...about(rule) }
}

function about({ severity, description }: Pick<Rule, 'severity' | 'description'>): Entry {
  return {
    ...(severity === 'error' ? {} : { severity }),
    ...(description === undefined ? {} : { description }),
  }
}

const OPERATORS = {
  '=': 'mustBe',
  '!=': 'mustNotBe',
  '>': 'mustBeGreaterThan',
  '>=': 'mustBeGreaterOrEqualTo',
  '<': 'mustBeLessThan',
  '<=': 'mustBeLessOrEqualTo',
  between: 'mustBeBetween',
  'not-between': 'mustNotBeBetween',
} as const

function limitOf(limit: Limit): Entry {
  const value = 'low' in limit ? [limit.low, limit.high] : limit.value
  return {
    [OPERATORS[limit.operator]]: value,
    ...(limit.unit === 'percent' ? { unit: 'percent' } : {}),
  }
}

function serviceOf({ name, rules }: Dataset): Entry[] {
  return rules.flatMap(({ test, limit }) =>
    test.kind === 'age' && 'value' in limit
      ? [
          {
            property: test.of === 'newest' ? 'freshness' : 'retention',
            value: limit.value,
            unit: 's',
            element: `${name}.${test.column}`,
          },
        ]
      : [],
  )
}
