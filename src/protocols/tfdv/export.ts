import { isDeepStrictEqual } from 'node:util'
import type { Column, Contract, Dataset, Limit, LogicalType, Rule } from '#contracts'
import { featureRules, featuresOf, KEPT, rowRules } from './import.ts'
import { message, nested, text, word } from './message.ts'
import { printTextFormat, readTextFormat, type Field, type Message } from './text-format.ts'

/** A dataset of a contract as a `schema.pbtxt`, and the rules that TFDV has no words for. */
export function printSchema(
  contract: Contract,
  dataset: Dataset,
): { text: string; left: readonly string[] } {
  const original = readTextFormat(contract.kept?.[KEPT] ?? '').message
  const known = new Map(featuresOf(original).map(({ feature, column }) => [column.name, feature]))
  const features = dataset.columns.map((column) => {
    const rules = dataset.rules.filter(({ test }) => isOf(test, column.name))
    const before = known.get(column.name)
    const isSame =
      before !== undefined &&
      isDeepStrictEqual(
        said(featureRules(original, before, { dataset: dataset.name, column })),
        said(rules),
      )
    return message('feature', isSame ? before : featureOf(column, rules, before ?? []))
  })
  const rows = dataset.rules.filter(({ test }) => test.kind === 'rows')
  const isSame = isDeepStrictEqual(said(rowRules(original, dataset.name)), said(rows))
  const others = original.filter(
    ({ name }) => name !== 'feature' && (isSame || name !== 'dataset_constraints'),
  )
  const constraints = isSame
    ? []
    : rowConstraints(rows, nested(original, 'dataset_constraints') ?? [])
  return {
    text: printTextFormat([...features, ...others, ...constraints]),
    left: dataset.rules.filter((rule) => !isSayable(rule)).map(({ id }) => id),
  }
}

function isOf(test: Rule['test'], column: string): boolean {
  return 'column' in test && test.column === column
}

/** What rules say, whatever they are called. */
function said(rules: readonly Rule[]): unknown[] {
  return rules.filter(isSayable).map(({ test, limit }) => ({ test, limit }))
}

function isSayable({ test, limit, severity }: Rule): boolean {
  if (severity === 'warning') return test.kind === 'other-columns'
  if (test.kind === 'nulls' || test.kind === 'set') return isNone(limit) || isShare(limit)
  if (test.kind === 'distinct' || test.kind === 'rows')
    return limit.operator === '>=' || limit.operator === '<='
  if (test.kind !== 'range') return ALWAYS.has(test.kind)
  const { exclusiveMin, exclusiveMax } = test.bounds
  const isNumber = test.type === 'integer' || test.type === 'number'
  return isNone(limit) && isNumber && exclusiveMin === undefined && exclusiveMax === undefined
}

const ALWAYS: ReadonlySet<string> = new Set(['column', 'other-columns', 'type', 'nan', 'infinite'])

function isNone(limit: Limit): boolean {
  return limit.operator === '=' && limit.value === 0
}

function isShare(limit: Limit): boolean {
  return limit.operator === '<=' && limit.unit === 'percent'
}

/** Fields that rules say; the others of a schema that was imported stay as they are. */
const OWN = new Set([
  'name',
  'type',
  'presence',
  'domain',
  'string_domain',
  'int_domain',
  'float_domain',
  'bool_domain',
  'unique_constraints',
  'distribution_constraints',
])

const TYPES: Readonly<Partial<Record<LogicalType, string>>> = {
  integer: 'INT',
  boolean: 'INT',
  number: 'FLOAT',
  string: 'BYTES',
  date: 'BYTES',
  timestamp: 'BYTES',
  time: 'BYTES',
  object: 'STRUCT',
  map: 'STRUCT',
}

function featureOf(column: Column, rules: readonly Rule[], before: Message): Message {
  const type = column.type === undefined ? undefined : TYPES[column.type]
  const rest = before.filter(({ name }) => !OWN.has(name))
  const isShaped = rest.some(({ name }) => ['shape', 'value_count', 'value_counts'].includes(name))
  const isScalar = column.type !== 'array' && column.type !== 'vector'
  return [
    text('name', column.name),
    ...(type === undefined ? [] : [word('type', type)]),
    ...presenceOf(rules),
    ...(isScalar && !isShaped ? [message('value_count', [word('min', 1), word('max', 1)])] : []),
    ...domainOf(column, rules),
    ...limits('unique_constraints', 'distinct', rules),
    ...rest,
  ]
}

function presenceOf(rules: readonly Rule[]): Field[] {
  const nulls = rules.find(({ test, severity }) => test.kind === 'nulls' && severity === 'error')
  const fraction =
    nulls === undefined
      ? undefined
      : isNone(nulls.limit)
        ? 1
        : isShare(nulls.limit) && 'value' in nulls.limit
          ? 1 - nulls.limit.value / 100
          : undefined
  const isExpected = rules.some(({ test }) => test.kind === 'column')
  if (fraction === undefined && !isExpected) return []
  return [
    message('presence', [
      ...(fraction === undefined ? [] : [word('min_fraction', Number(fraction.toPrecision(9)))]),
      ...(isExpected ? [word('min_count', 1)] : []),
    ]),
  ]
}

function domainOf(column: Column, rules: readonly Rule[]): Field[] {
  const set = rules.find((rule) => rule.test.kind === 'set' && isSayable(rule))
  const range = rules.find((rule) => rule.test.kind === 'range' && isSayable(rule))
  const flags = [
    ...(rules.some(({ test }) => test.kind === 'nan') ? [word('disallow_nan', 'true')] : []),
    ...(rules.some(({ test }) => test.kind === 'infinite') ? [word('disallow_inf', 'true')] : []),
  ]
  const fields: Field[] = []
  if (column.type === 'boolean') fields.push(message('bool_domain', []))
  if (set?.test.kind === 'set') {
    fields.push(
      message(
        'string_domain',
        set.test.values.map((value) => text('value', String(value))),
      ),
    )
    if ('value' in set.limit && !isNone(set.limit))
      fields.push(
        message('distribution_constraints', [
          word('min_domain_mass', Number((1 - set.limit.value / 100).toPrecision(9))),
        ]),
      )
  } else if (range?.test.kind === 'range' || flags.length > 0) {
    const bounds = range?.test.kind === 'range' ? range.test.bounds : {}
    fields.push(
      message(column.type === 'integer' ? 'int_domain' : 'float_domain', [
        ...(bounds.min === undefined ? [] : [word('min', Number(bounds.min))]),
        ...(bounds.max === undefined ? [] : [word('max', Number(bounds.max))]),
        ...flags,
      ]),
    )
  }
  return fields
}

function limits(name: string, kind: 'distinct', rules: readonly Rule[]): Field[] {
  const of = rules.filter(({ test }) => test.kind === kind)
  const fields = of.flatMap(({ limit }) =>
    'value' in limit && (limit.operator === '>=' || limit.operator === '<=')
      ? [word(limit.operator === '>=' ? 'min' : 'max', limit.value)]
      : [],
  )
  return fields.length === 0 ? [] : [message(name, fields)]
}

function rowConstraints(rows: readonly Rule[], before: Message): Field[] {
  const counts = new Set(['min_examples_count', 'max_examples_count'])
  const fields = rows.flatMap((rule) =>
    isSayable(rule) && 'value' in rule.limit
      ? [
          word(
            rule.limit.operator === '>=' ? 'min_examples_count' : 'max_examples_count',
            rule.limit.value,
          ),
        ]
      : [],
  )
  const all = [...before.filter(({ name }) => !counts.has(name)), ...fields]
  return all.length === 0 ? [] : [message('dataset_constraints', all)]
}
