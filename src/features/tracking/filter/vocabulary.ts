import { Problem } from '#base/problem'
import type { Comparator, Condition, Order } from '../search.ts'
import { clausesIn, orderIn, type Clause } from './clauses.ts'

/** What a name in a filter means, and how it may be compared. */
export interface Term<Field> {
  readonly field: Field
  readonly takes: 'text' | 'number' | 'whole number'
  readonly comparators: readonly Comparator[]
  /** Set when it can only be filtered or only be ordered by. */
  readonly only?: 'filter' | 'order'
  /** How a text is kept, where that differs from how it is told. */
  readonly kept?: (text: string) => string | number
}

/** The names that one search knows; undefined for those that it does not. */
export type Vocabulary<Field> = (entity: string | null, key: string) => Term<Field> | undefined

export const TEXT = ['=', '!=', 'like', 'ilike'] as const
export const LIST = ['in', 'not-in'] as const
export const PRESENCE = ['is-null', 'is-not-null'] as const
export const NUMBER = ['=', '!=', '<', '<=', '>', '>='] as const

/** A term for a text that every thing of the search has. */
export function textAttribute<Name extends string>(
  name: Name,
  comparators: readonly Comparator[] = TEXT,
) {
  return { field: { of: 'attribute', name }, takes: 'text', comparators } as const
}

/** A term for a number that every thing of the search has. */
export function numberAttribute<Name extends string>(name: Name) {
  return { field: { of: 'attribute', name }, takes: 'number', comparators: NUMBER } as const
}

/** A term for a number without a fraction that every thing of the search has. */
export function wholeAttribute<Name extends string>(name: Name) {
  return { field: { of: 'attribute', name }, takes: 'whole number', comparators: NUMBER } as const
}

/** Reads a filter. Throws `invalid` for names that the search does not know and values that do not fit. */
export function parseFilter<Field>(
  filter: string | undefined,
  vocabulary: Vocabulary<Field>,
): Condition<Field>[] {
  if (filter === undefined || filter.trim() === '') return []
  return clausesIn(filter).map((clause) => {
    const term = termOf(vocabulary, clause)
    if (term.only === 'order') throw unknownName(clause)
    if (!term.comparators.includes(clause.comparator))
      throw new Problem(
        'invalid',
        `Invalid comparator ${spelled(clause.comparator)} for ${nameOf(clause)}: use one of ${term.comparators.map(spelled).join(', ')}`,
      )
    return { field: term.field, comparator: clause.comparator, value: valueOf(clause, term) }
  })
}

/** Reads an order. Throws `invalid` for unknown keys and for a key that is there twice. */
export function parseOrder<Field>(
  keys: readonly string[] | undefined,
  vocabulary: Vocabulary<Field>,
): Order<Field>[] {
  const seen = new Set<string>()
  return (keys ?? []).map((text) => {
    const { entity, key, descending } = orderIn(text)
    const { field, only } = termOf(vocabulary, { entity, key })
    if (only === 'filter')
      throw new Problem(
        'invalid',
        `Invalid order_by entity ${JSON.stringify(text.slice(0, 200))}: this search cannot be ordered by it`,
      )
    const name = JSON.stringify(field)
    if (seen.has(name))
      throw new Problem('invalid', `order_by contains duplicate fields: ${text} is there twice`)
    seen.add(name)
    return { field, descending }
  })
}

interface FieldName {
  readonly entity: string | null
  readonly key: string
}

function termOf<Field>(vocabulary: Vocabulary<Field>, { entity, key }: FieldName) {
  const term = vocabulary(entity, key)
  if (term !== undefined) return term
  throw unknownName({ entity, key })
}

function unknownName(name: FieldName): Problem {
  return new Problem(
    'invalid',
    `Invalid attribute key ${JSON.stringify(nameOf(name))}: this search does not know it`,
  )
}

/** Longer than any text that a pattern is compared with, but for prompts; databases bound patterns too. */
const PATTERN_CHARS_MAX = 20_000

function valueOf<Field>(clause: Clause, term: Term<Field>): Condition<Field>['value'] {
  const { value } = clause
  const kept = (text: string) => term.kept?.(text) ?? text
  if (value.kind === 'text' && isPattern(clause) && value.text.length > PATTERN_CHARS_MAX)
    throw new Problem(
      'limit',
      `the pattern for ${nameOf(clause)} has ${value.text.length} characters; the limit is ${PATTERN_CHARS_MAX}`,
    )
  if (value.kind === 'none') return null
  const wantsList = clause.comparator === 'in' || clause.comparator === 'not-in'
  if (wantsList && value.kind === 'list') return value.texts.map(kept)
  const fits = term.takes === 'number' || term.takes === 'whole number'
  if (!wantsList && value.kind === 'number' && fits) return numberIn(value.number, clause, term)
  const takesText = term.takes === 'text' || term.kept !== undefined
  if (!wantsList && value.kind === 'text' && takesText) return kept(value.text)
  const wanted = wantsList
    ? "a list of quoted texts, such as ('a', 'b')"
    : term.takes === 'text'
      ? 'a text in quotes'
      : `a ${term.takes}`
  throw new Problem('invalid', `Invalid value for ${nameOf(clause)}: it is compared with ${wanted}`)
}

function isPattern({ comparator }: Clause): boolean {
  return comparator === 'like' || comparator === 'ilike'
}

function numberIn<Field>(number: number, clause: Clause, { takes }: Term<Field>): number {
  if (takes === 'number' || Number.isInteger(number)) return number
  throw new Problem(
    'invalid',
    `Invalid value ${number} for ${nameOf(clause)}: it is compared with a whole number`,
  )
}

function nameOf({ entity, key }: FieldName): string {
  return entity === null ? key : `${entity}.${key}`
}

function spelled(comparator: Comparator): string {
  return comparator.replaceAll('-', ' ').toUpperCase()
}
