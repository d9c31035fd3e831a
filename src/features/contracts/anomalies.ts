import type { Test } from './rule.ts'

/**
 * What TensorFlow Data Validation calls data that breaks a test; null for what it has no name for. `measured` tells
 * apart where the name depends on which way the number is off.
 */
export function anomalyOf(
  test: Test,
  found: { side: 'low' | 'high' | undefined; isNumber: boolean },
): string | null {
  if (test.kind === 'set') return found.isNumber ? null : 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'
  if (test.kind === 'range') return rangeAnomaly(test.type, found.side)
  if (test.kind === 'drift') return DRIFT[test.method] ?? null
  if (test.kind === 'length' && test.of === 'text') return null
  const names = NAMES[test.kind]
  if (names === undefined || typeof names === 'string') return names ?? null
  return found.side === 'low' ? names.low : names.high
}

const NAMES: Readonly<Partial<Record<Test['kind'], string | { low: string; high: string }>>> = {
  column: 'SCHEMA_MISSING_COLUMN',
  'other-columns': 'SCHEMA_NEW_COLUMN',
  type: 'UNEXPECTED_DATA_TYPE',
  nulls: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
  missing: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
  length: { low: 'FEATURE_TYPE_LOW_NUMBER_VALUES', high: 'FEATURE_TYPE_HIGH_NUMBER_VALUES' },
  nan: 'FLOAT_TYPE_HAS_NAN',
  infinite: 'FLOAT_TYPE_HAS_INF',
  distinct: { low: 'FEATURE_TYPE_LOW_UNIQUE', high: 'FEATURE_TYPE_HIGH_UNIQUE' },
  rows: { low: 'DATASET_LOW_NUM_EXAMPLES', high: 'DATASET_HIGH_NUM_EXAMPLES' },
  sql: 'CUSTOM_VALIDATION',
}

function rangeAnomaly(type: string, side: 'low' | 'high' | undefined): string | null {
  if (type !== 'integer' && type !== 'number') return null
  const kind = type === 'integer' ? 'INT' : 'FLOAT'
  const small = `${kind}_TYPE_SMALL_${kind}`
  return side === 'low' ? small : `${kind}_TYPE_BIG_${kind}`
}

const DRIFT: Readonly<Record<string, string>> = {
  'l-infinity': 'COMPARATOR_L_INFTY_HIGH',
  'js-divergence': 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
}
