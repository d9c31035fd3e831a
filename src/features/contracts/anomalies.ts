import type { Test } from './rule.ts'

/**
 * What TensorFlow Data Validation calls data that breaks a test; null for what it has no name for. `measured` tells
 * apart where the name depends on which way the number is off.
 */
export function anomalyOf(
  test: Test,
  found: { side: 'low' | 'high' | undefined; isNumber: boolean },
): string | null {
  switch (test.kind) {
    case 'column':
      return 'SCHEMA_MISSING_COLUMN'
    case 'other-columns':
      return 'SCHEMA_NEW_COLUMN'
    case 'type':
      return 'UNEXPECTED_DATA_TYPE'
    case 'nulls':
    case 'missing':
      return 'FEATURE_TYPE_LOW_FRACTION_PRESENT'
    case 'set':
      return found.isNumber ? null : 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'
    case 'range':
      return rangeAnomaly(test.type, found.side)
    case 'length':
      if (test.of === 'text') return null
      return found.side === 'low'
        ? 'FEATURE_TYPE_LOW_NUMBER_VALUES'
        : 'FEATURE_TYPE_HIGH_NUMBER_VALUES'
    case 'nan':
      return 'FLOAT_TYPE_HAS_NAN'
    case 'infinite':
      return 'FLOAT_TYPE_HAS_INF'
    case 'distinct':
      return found.side === 'low' ? 'FEATURE_TYPE_LOW_UNIQUE' : 'FEATURE_TYPE_HIGH_UNIQUE'
    case 'rows':
      return found.side === 'low' ? 'DATASET_LOW_NUM_EXAMPLES' : 'DATASET_HIGH_NUM_EXAMPLES'
    case 'drift':
      return DRIFT[test.method] ?? null
    case 'sql':
      return 'CUSTOM_VALIDATION'
    case 'pattern':
    case 'multiple':
    case 'duplicates':
    case 'reference':
    case 'age':
      return null
  }
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
