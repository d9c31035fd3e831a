import {
  DRIFT_METHODS,
  ruleId,
  type DriftMethod,
  type Limit,
  type Rule,
  type Severity,
  type Test,
} from '#contracts'
import { limitOf } from './limits.ts'
import { refusedPattern } from './patterns.ts'
import type { Reader } from './words.ts'
import type { Place } from './yaml.ts'

/** What a `quality` entry stands under. */
export interface Under {
  readonly dataset: string
  /** Null under the dataset itself. */
  readonly column: string | null
  readonly datasetColumns: (property: string) => string
}

/** The engine's name in `type: custom` rules that are ours. */
export const ENGINE = 'orrery'

/** The rules of a `quality` list. Text is for people, and other engines' rules are theirs: both are left alone. */
export function qualityRules(reader: Reader, place: Place | undefined, under: Under): Rule[] {
  return reader.list(place).flatMap((entry) => {
    const found = ruleOf(reader, entry, under)
    return found === undefined ? [] : [found]
  })
}

function ruleOf(reader: Reader, entry: Place, under: Under): Rule | undefined {
  const kind =
    reader.word(entry.at('type'), ['library', 'text', 'sql', 'custom']) ??
    (entry.at('type') === undefined ? 'library' : undefined)
  if (kind === undefined || kind === 'text') return undefined
  if (kind === 'custom') return customRule(reader, entry, under)
  const test = kind === 'sql' ? sqlTest(reader, entry, under) : libraryTest(reader, entry, under)
  if (test === undefined) return undefined
  const limit = limitOf(reader, entry, { strict: kind === 'library' && test.kind !== 'rows' })
  return limit === undefined ? undefined : named(reader, entry, { test, limit, under })
}

function named(
  reader: Reader,
  entry: Place,
  { test, limit, under }: { test: Test; limit: Limit; under: Under },
): Rule {
  const given = entry.at('id')?.value ?? entry.at('name')?.value
  const own = typeof given === 'string' && given !== '' ? given : undefined
  const base = ruleId(under.dataset, test)
  return {
    id:
      own === undefined
        ? base
        : [under.dataset, ...(under.column === null ? [] : [under.column]), own].join('.'),
    severity: severityOf(reader, entry),
    limit,
    description: reader.text(entry.at('description')),
    test,
  }
}

/** The standard leaves the words open; these are the ones that mean: tell, and go on. */
const MILD = new Set(['warning', 'warn', 'info', 'low', 'minor'])

export function severityOf(reader: Reader, entry: Place): Severity {
  const word = reader.text(entry.at('severity'))
  return word !== undefined && MILD.has(word.toLowerCase()) ? 'warning' : 'error'
}

const METRICS = [
  'nullValues',
  'missingValues',
  'invalidValues',
  'duplicateValues',
  'rowCount',
] as const

function libraryTest(reader: Reader, entry: Place, under: Under): Test | undefined {
  const metric = reader.word(entry.at('metric') ?? entry.at('rule'), METRICS)
  if (metric === undefined)
    return entry.at('metric') === undefined && entry.at('rule') === undefined
      ? reader.fault(entry, `it names no metric; write metric: and one of ${METRICS.join(', ')}`)
      : undefined
  if (metric === 'rowCount')
    return under.column === null
      ? { kind: 'rows' }
      : reader.fault(
          entry,
          'rowCount is about a dataset; move it up to the quality of the schema object',
        )
  const args = entry.entry('arguments')
  if (metric === 'duplicateValues') return duplicates(reader, args, { entry, under })
  const { column } = under
  if (column === null)
    return reader.fault(entry, `${metric} is about a property; move it down to the quality of one`)
  if (metric === 'nullValues') return { kind: 'nulls', column }
  if (metric === 'missingValues')
    return { kind: 'missing', column, values: reader.plains(args.at('missingValues')) }
  return invalid(reader, args, { entry, column })
}

function duplicates(
  reader: Reader,
  args: Place,
  { entry, under }: { entry: Place; under: Under },
): Test | undefined {
  if (under.column !== null) return { kind: 'duplicates', columns: [under.column] }
  const columns = reader
    .list(args.at('properties'))
    .flatMap((item) => reader.text(item) ?? [])
    .map(under.datasetColumns)
  return columns.length > 0
    ? { kind: 'duplicates', columns }
    : reader.fault(entry, 'duplicateValues of a dataset needs arguments: { properties: [NAME, …] }')
}

function invalid(
  reader: Reader,
  args: Place,
  { entry, column }: { entry: Place; column: string },
): Test | undefined {
  const values = reader.plains(args.at('validValues'))
  const pattern = reader.text(args.at('pattern') ?? entry.at('pattern'))
  if (pattern !== undefined) {
    const refused = refusedPattern(pattern)
    if (refused !== undefined)
      return reader.fault(args.at('pattern') ?? entry.entry('pattern'), refused)
    if (values.length > 0)
      return reader.fault(args, 'validValues and pattern stand together; make two rules of them')
    return { kind: 'pattern', column, pattern }
  }
  return values.length > 0
    ? { kind: 'set', column, values }
    : reader.fault(entry, 'invalidValues needs arguments: { validValues: […] } or { pattern: … }')
}

function sqlTest(reader: Reader, entry: Place, under: Under): Test | undefined {
  const query = reader.text(entry.at('query'))
  if (query === undefined || query.trim() === '')
    return reader.fault(entry, 'a rule of type sql needs a query that gives one number')
  return { kind: 'sql', column: under.column ?? undefined, query }
}

function customRule(reader: Reader, entry: Place, under: Under): Rule | undefined {
  if (reader.text(entry.at('engine'))?.toLowerCase() !== ENGINE) return undefined
  const implementation = entry.entry('implementation')
  const check = reader.word(implementation.at('check'), ['drift', 'distinct', 'nan', 'infinite'])
  const { column } = under
  if (column === null)
    return reader.fault(
      entry,
      'checks of orrery are about a property; move it down to the quality of one',
    )
  if (check === undefined)
    return implementation.at('check') === undefined
      ? reader.fault(implementation, 'it needs check: drift, distinct, nan or infinite')
      : undefined
  if (check === 'drift') return driftRule(reader, entry, { ...under, column })
  const limit = limitOf(reader, implementation, { strict: check !== 'distinct' })
  return limit === undefined
    ? undefined
    : named(reader, entry, { test: { kind: check, column }, limit, under })
}

/** What is usually said to be a change; TFDV's have no usual. */
const DRIFT_LIMITS: Readonly<Record<DriftMethod, number>> = {
  psi: 0.2,
  'jensen-shannon': 0.1,
  'kolmogorov-smirnov': 0.1,
  'l-infinity': 0.1,
  'js-divergence': 0.1,
}

function driftRule(
  reader: Reader,
  entry: Place,
  under: Under & { column: string },
): Rule | undefined {
  const place = entry.entry('implementation')
  const method = reader.word(place.at('method'), DRIFT_METHODS)
  const reference = reader.text(place.at('reference'))
  if (method === undefined || reference === undefined)
    return reader.fault(
      place,
      `it needs method: one of ${DRIFT_METHODS.join(', ')}, and reference: the path of data to compare with`,
    )
  const value = reader.number(place.at('maximum')) ?? DRIFT_LIMITS[method]
  return named(reader, entry, {
    test: { kind: 'drift', column: under.column, method, reference },
    limit: { operator: '<=', value, unit: 'rows' },
    under,
  })
}
