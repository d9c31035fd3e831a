import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '#base/json'
import { ENTRY_BYTES_MAX, entryIn, entryOf, textOf } from './entry.ts'
import type { Fact } from './fact.ts'

const place = { position: 7, atMs: 1_700_000_000_000, actor: { kind: 'user', id: 'ada' } } as const

const facts: fc.Arbitrary<Fact> = fc.record(
  {
    type: fc.string(),
    // JSON has one zero; -0 would come back as 0.
    data: fc
      .dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false }))
      .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, Json>),
    edges: fc.array(
      fc.record({
        from: fc.record({ kind: fc.constant('run' as const), id: fc.string() }),
        relation: fc.string(),
        to: fc.record({ kind: fc.constant('commit' as const), id: fc.string() }),
      }),
    ),
    eventMs: fc.integer(),
  },
  { requiredKeys: ['type', 'data'] },
)

test('an entry written and read is the same entry', () => {
  fc.assert(
    fc.property(facts, (fact) => {
      const entry = entryOf(fact, place)
      expect(entryIn(textOf(entry))).toEqual(entry)
      expect(textOf(entryIn(textOf(entry)))).toBe(textOf(entry))
    }),
  )
})

test('the text of an entry never changes: old proofs depend on it', () => {
  const entry = entryOf(
    {
      type: 'model-alias-moved',
      data: { version: 3, alias: 'champion', model: 'flights-late' },
      edges: [
        { from: { kind: 'promotion', id: 'p1' }, relation: 'of', to: { kind: 'run', id: 'r' } },
      ],
      eventMs: 5,
    },
    place,
  )
  expect(textOf(entry)).toBe(
    '{"actor":{"id":"ada","kind":"user"},"at":1700000000000,"data":{"alias":"champion","model":"flights-late","version":3},"edges":[{"from":{"id":"p1","kind":"promotion"},"relation":"of","to":{"id":"r","kind":"run"}}],"event":5,"position":7,"type":"model-alias-moved","v":1}',
  )
})

test('a fact that is too long to keep is refused with what to do instead', () => {
  const long = (letters: number) => entryOf({ type: 'x', data: { y: 'é'.repeat(letters) } }, place)
  expect(() => textOf(long(ENTRY_BYTES_MAX))).toThrow(
    /over 65535 bytes; keep its detail as an object/,
  )
  expect(Buffer.byteLength(textOf(long(32_000)))).toBeLessThan(ENTRY_BYTES_MAX)
})

test('a fact with a number that JSON does not have is a bug', () => {
  expect(() => textOf(entryOf({ type: 'x', data: { y: Number.NaN } }, place))).toThrow('NaN')
})
