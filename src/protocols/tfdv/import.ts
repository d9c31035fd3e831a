import {
  strictRule,
  type Bounds,
  type Column,
  type Contract,
  type Limit,
  type LogicalType,
  type Plain,
  type Rule,
  type Test,
} from '#contracts'
import { nested, numberOf, textOf, textsOf, wordOf } from './message.ts'
import { slipsOf } from './slips.ts'
import { readTextFormat, type Message, type TextProblem } from './text-format.ts'

/** Where a contract keeps the schema that it was made of, whole: what has no rule goes back as it came. */
export const KEPT = 'tfdv'

/** Reads a `schema.pbtxt`; never throws. */
export function readSchema(
  source: string,
  { name }: { name: string },
): { contract: Contract | undefined; problems: TextProblem[] } {
  const { message, problems } = readTextFormat(source)
  if (problems.length > 0) return { contract: undefined, problems }
  const slips = slipsOf(message)
  if (slips.length > 0) return { contract: undefined, problems: slips }
  const features = featuresOf(message)
  const unnamed = message.find(
    (field) =>
      field.name === 'feature' &&
      (field.value.kind !== 'message' || textOf(field.value.fields, 'name') === undefined),
  )
  if (unnamed !== undefined)
    return {
      contract: undefined,
      problems: [{ line: unnamed.line, message: 'a feature has no name' }],
    }
  if (features.length === 0)
    return {
      contract: undefined,
      problems: [{ line: 1, message: 'it has no feature; it is no schema of TFDV' }],
    }
  const columns = features.map(({ column }) => column)
  return {
    contract: {
      id: name,
      name,
      version: '0.1.0',
      kept: { [KEPT]: source },
      datasets: [
        {
          name,
          path: undefined,
          columns,
          rules: [
            strictRule(name, {
              kind: 'other-columns',
              columns: columns.map((column) => column.name),
            }),
            ...features.flatMap(({ feature, column }) =>
              featureRules(message, feature, { dataset: name, column }),
            ),
            ...rowRules(message, name),
          ],
        },
      ],
    },
    problems: [],
  }
}

export function featuresOf(schema: Message): { feature: Message; column: Column }[] {
  return schema.flatMap((field) => {
    if (field.name !== 'feature' || field.value.kind !== 'message') return []
    const feature = field.value.fields
    const name = textOf(feature, 'name')
    return name === undefined ? [] : [{ feature, column: { name, type: typeOf(feature) } }]
  })
}

const TYPES: Readonly<Record<string, LogicalType>> = {
  INT: 'integer',
  FLOAT: 'number',
  BYTES: 'string',
  STRUCT: 'object',
}

/** What data has to be; nothing, where TFDV does not look. */
function typeOf(feature: Message): LogicalType | undefined {
  if (!isChecked(feature)) return undefined
  // Lists of values are columns of lists; what is in them is not looked at.
  const dims = nested(feature, 'value_count')
  const most = dims === undefined ? 1 : numberOf(dims, 'max')
  if (most !== 1) return 'array'
  return TYPES[wordOf(feature, 'type') ?? '']
}

/** Features that TFDV itself does not hold data to. */
const UNCHECKED = new Set([
  'PLANNED',
  'ALPHA',
  'DEBUG_ONLY',
  'DISABLED',
  'DEPRECATED',
  'VALIDATION_DERIVED',
])

function isChecked(feature: Message): boolean {
  const stage = wordOf(feature, 'lifecycle_stage')
  return wordOf(feature, 'deprecated') !== 'true' && (stage === undefined || !UNCHECKED.has(stage))
}

export function featureRules(
  schema: Message,
  feature: Message,
  { dataset, column }: { dataset: string; column: Column },
): Rule[] {
  const { name, type } = column
  if (!isChecked(feature)) return []
  const rule = (test: Test, limit?: Limit) =>
    strictRule(dataset, test, limit === undefined ? {} : { limit })
  const presence = nested(feature, 'presence')
  const fraction = presence === undefined ? undefined : numberOf(presence, 'min_fraction')
  const isExpected =
    presence !== undefined && ((numberOf(presence, 'min_count') ?? 0) > 0 || (fraction ?? 0) > 0)
  return [
    ...(isExpected ? [rule({ kind: 'column', column: name })] : []),
    ...(type === undefined ? [] : [rule({ kind: 'type', column: name, type })]),
    ...(fraction === undefined || fraction <= 0
      ? []
      : [rule({ kind: 'nulls', column: name }, atMostPercent(1 - fraction))]),
    ...(type === 'array' ? [] : domainRules(schema, feature, { name, type, rule })),
    ...uniqueRules(feature, name, rule),
  ]
}

type MakeRule = (test: Test, limit?: Limit) => Rule

/** The share that may be wrong; none at all is said as none. */
export function atMostPercent(share: number): Limit | undefined {
  return share <= 0
    ? undefined
    : { operator: '<=', value: Number((100 * share).toPrecision(9)), unit: 'percent' }
}

function domainRules(
  schema: Message,
  feature: Message,
  { name, type, rule }: { name: string; type: LogicalType | undefined; rule: MakeRule },
): Rule[] {
  const mass = numberOf(nested(feature, 'distribution_constraints') ?? [], 'min_domain_mass') ?? 1
  const limit = atMostPercent(1 - mass)
  const values = valuesOf(schema, feature)
  const numbers = nested(feature, 'int_domain') ?? nested(feature, 'float_domain')
  const rules: Rule[] = []
  if (values.length > 0) rules.push(rule({ kind: 'set', column: name, values }, limit))
  if (numbers === undefined) return rules
  const min = numberOf(numbers, 'min')
  const max = numberOf(numbers, 'max')
  const bounds: Bounds = {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  }
  if (Object.keys(bounds).length > 0)
    rules.push(rule({ kind: 'range', column: name, type: type ?? 'number', bounds }))
  if (wordOf(numbers, 'disallow_nan') === 'true') rules.push(rule({ kind: 'nan', column: name }))
  if (wordOf(numbers, 'disallow_inf') === 'true')
    rules.push(rule({ kind: 'infinite', column: name }))
  return rules
}

function valuesOf(schema: Message, feature: Message): Plain[] {
  const shared = textOf(feature, 'domain')
  const own = nested(feature, 'string_domain')
  if (own !== undefined) return textsOf(own, 'value')
  if (shared !== undefined) {
    const domain = schema.find(
      (field) =>
        field.name === 'string_domain' &&
        field.value.kind === 'message' &&
        textOf(field.value.fields, 'name') === shared,
    )
    return domain?.value.kind === 'message' ? textsOf(domain.value.fields, 'value') : []
  }
  const truth = nested(feature, 'bool_domain')
  if (truth === undefined) return []
  if (wordOf(feature, 'type') === 'INT') return [0, 1]
  return [textOf(truth, 'true_value') ?? 'true', textOf(truth, 'false_value') ?? 'false']
}

function uniqueRules(feature: Message, column: string, rule: MakeRule): Rule[] {
  const constraints = nested(feature, 'unique_constraints')
  if (constraints === undefined) return []
  const min = numberOf(constraints, 'min')
  const max = numberOf(constraints, 'max')
  return [
    ...(min === undefined
      ? []
      : [rule({ kind: 'distinct', column }, { operator: '>=', value: min, unit: 'rows' })]),
    ...(max === undefined
      ? []
      : [rule({ kind: 'distinct', column }, { operator: '<=', value: max, unit: 'rows' })]),
  ]
}

export function rowRules(schema: Message, dataset: string): Rule[] {
  const constraints = nested(schema, 'dataset_constraints') ?? []
  const min = numberOf(constraints, 'min_examples_count')
  const max = numberOf(constraints, 'max_examples_count')
  const rule = (limit: Limit) => strictRule(dataset, { kind: 'rows' }, { limit })
  return [
    ...(min === undefined ? [] : [rule({ operator: '>=', value: min, unit: 'rows' })]),
    ...(max === undefined ? [] : [rule({ operator: '<=', value: max, unit: 'rows' })]),
  ]
}
