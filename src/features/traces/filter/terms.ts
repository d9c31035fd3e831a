import { NAME_TAG, SESSION_KEY, SOURCE_RUN_KEY } from '../trace.ts'
import type { Comparator, Condition } from '#tracking'

/** What a search for traces can ask about. */
export type TraceField =
  | { readonly of: 'attribute'; readonly name: TraceAttribute }
  | { readonly of: 'tag' | 'metadata'; readonly key: string }
  /** The run that made the trace, or to which it was linked. */
  | { readonly of: 'run' }
  | { readonly of: 'prompt' }
  | { readonly of: 'issue' }
  | { readonly of: 'span'; readonly name: 'name' | 'type' | 'status' | 'content' }
  | { readonly of: 'span-attribute'; readonly key: string }
  | { readonly of: 'assessment'; readonly kind: 'feedback' | 'expectation'; readonly name: string }

export type TraceCondition = Condition<TraceField>

export type TraceAttribute =
  | 'traceId'
  | 'experimentId'
  | 'clientRequestId'
  | 'state'
  | 'name'
  | 'session'
  | 'atMs'
  | 'durationMs'
  | 'endMs'

/** A name of a filter: what it means, what it is compared with, and how. */
export interface TraceTerm {
  readonly field: TraceField
  readonly takes: 'text' | 'number' | 'either'
  readonly comparators: readonly Comparator[]
}

const NUMBERS: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>=']
const ORDERS: readonly Comparator[] = ['<', '<=', '>', '>=']
const TEXTS: readonly Comparator[] = ['=', '!=', 'like', 'ilike', 'rlike']
const LISTS: readonly Comparator[] = ['in', 'not-in']
const PRESENCE: readonly Comparator[] = ['is-null', 'is-not-null']

const ATTRIBUTES: Readonly<Record<string, TraceTerm>> = {
  request_id: text('traceId', [...TEXTS, ...LISTS]),
  trace_id: text('traceId', [...TEXTS, ...LISTS]),
  client_request_id: text('clientRequestId', [...TEXTS, ...LISTS]),
  status: text('state', [...TEXTS, ...LISTS]),
  name: text('name', [...TEXTS, ...LISTS, ...PRESENCE]),
  timestamp: number('atMs'),
  timestamp_ms: number('atMs'),
  execution_time: number('durationMs'),
  execution_time_ms: number('durationMs'),
  end_time: number('endMs'),
  end_time_ms: number('endMs'),
  run_id: { field: { of: 'run' }, takes: 'text', comparators: [...TEXTS, ...LISTS, ...PRESENCE] },
  prompt: { field: { of: 'prompt' }, takes: 'text', comparators: ['='] },
  text: content(),
}

/** What a name means; undefined for those that no search for traces knows. */
export function traceTerm(entity: string | null, key: string): TraceTerm | undefined {
  switch (entity) {
    case null:
    case 'attribute':
    case 'attributes':
    case 'trace':
      return Object.hasOwn(ATTRIBUTES, key) ? ATTRIBUTES[key] : undefined
    case 'tag':
    case 'tags':
      return tagTerm(key)
    case 'metadata':
    case 'request_metadata':
      return metadataTerm(key)
    case 'span':
      return spanTerm(key)
    case 'feedback':
    case 'expectation':
      return {
        field: { of: 'assessment', kind: entity, name: key },
        takes: 'either',
        comparators: [...TEXTS, ...ORDERS, ...PRESENCE],
      }
    case 'issue':
      return key === 'id'
        ? { field: { of: 'issue' }, takes: 'text', comparators: ['='] }
        : undefined
    default:
      return undefined
  }
}

const ORDER_KEYS = new Set([
  'experiment_id',
  'timestamp',
  'timestamp_ms',
  'execution_time',
  'execution_time_ms',
  'end_time',
  'end_time_ms',
  'status',
  'request_id',
  'name',
  'run_id',
])

/** What traces can be put in order by. */
export function traceOrderField(entity: string | null, key: string): TraceField | undefined {
  const isAttribute = entity === null || ['attribute', 'attributes', 'trace'].includes(entity)
  if (isAttribute && !ORDER_KEYS.has(key)) return undefined
  if (isAttribute && key === 'experiment_id') return { of: 'attribute', name: 'experimentId' }
  if (isAttribute && key === 'run_id') return { of: 'metadata', key: SOURCE_RUN_KEY }
  const field = traceTerm(entity, key)?.field
  return field?.of === 'attribute' || field?.of === 'tag' || field?.of === 'metadata'
    ? field
    : undefined
}

function tagTerm(key: string): TraceTerm {
  if (key === NAME_TAG) return text('name', [...TEXTS, ...LISTS, ...PRESENCE])
  return { field: { of: 'tag', key }, takes: 'text', comparators: [...TEXTS, ...PRESENCE] }
}

function metadataTerm(key: string): TraceTerm {
  if (key === SESSION_KEY) return text('session', [...TEXTS, ...PRESENCE])
  if (key === SOURCE_RUN_KEY)
    return { field: { of: 'run' }, takes: 'text', comparators: [...TEXTS, ...PRESENCE] }
  return { field: { of: 'metadata', key }, takes: 'text', comparators: [...TEXTS, ...PRESENCE] }
}

function spanTerm(key: string): TraceTerm | undefined {
  if (key === 'content') return content()
  if (key === 'name' || key === 'type' || key === 'status')
    return {
      field: { of: 'span', name: key },
      takes: 'text',
      comparators: [...TEXTS, ...LISTS],
    }
  const attribute = /^attributes\.(.+)$/s.exec(key)?.[1]
  if (attribute === undefined) return undefined
  return {
    field: { of: 'span-attribute', key: attribute.replace(/^`(.*)`$/s, '$1') },
    takes: 'text',
    comparators: TEXTS,
  }
}

function content(): TraceTerm {
  return {
    field: { of: 'span', name: 'content' },
    takes: 'text',
    comparators: ['like', 'ilike'],
  }
}

function text(name: TraceAttribute, comparators: readonly Comparator[]): TraceTerm {
  return { field: { of: 'attribute', name }, takes: 'text', comparators }
}

function number(name: TraceAttribute): TraceTerm {
  return { field: { of: 'attribute', name }, takes: 'number', comparators: NUMBERS }
}
