import {
  parseFilter,
  parseOrder,
  TEXT,
  textAttribute,
  wholeAttribute,
  type Condition,
  type Order,
  type Vocabulary,
} from '#tracking'
import type { DatasetField } from './store.ts'

/** Reads a filter for evaluation datasets. Throws `invalid`. */
export function parseDatasetFilter(text: string | undefined): Condition<DatasetField>[] {
  return parseFilter(text, terms)
}

export function parseDatasetOrder(keys: readonly string[] | undefined): Order<DatasetField>[] {
  return parseOrder(keys, terms)
}

const terms: Vocabulary<DatasetField> = (entity, key) => {
  if (entity === 'tags')
    return { field: { of: 'tag', key }, takes: 'text', comparators: TEXT, only: 'filter' }
  if (entity !== null && entity !== 'attributes') return undefined
  if (key === 'name') return textAttribute('name', [...TEXT, 'in'])
  if (key === 'created_time') return wholeAttribute('createdMs')
  if (key === 'last_update_time') return wholeAttribute('updatedMs')
  if (key === 'created_by') return { ...textAttribute('createdBy'), only: 'filter' } as const
  if (key === 'last_updated_by') return { ...textAttribute('updatedBy'), only: 'filter' } as const
  return undefined
}
