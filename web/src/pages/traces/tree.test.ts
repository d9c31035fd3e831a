import { expect, test } from 'vitest'
import type { SpanWire } from '#protocols/api/traces-wire'
import { branchesOf, lengthOf, placeOf } from './tree.ts'

test('spans stand below their caller, in order; orphans and the second of a ring at the top or nowhere', () => {
  const spans = [span('a', null), span('b', 'a'), span('c', 'b'), span('d', 'a'), span('e', 'gone')]
  expect(branchesOf(spans).map((branch) => `${branch.depth}${branch.span.span}`)).toEqual([
    '0a',
    '1b',
    '2c',
    '1d',
    '0e',
  ])
  expect(branchesOf([span('a', 'b'), span('b', 'a')])).toEqual([])
})

test('a span has its place in the time of the whole, also when that is none', () => {
  const half = { ...span('a', null), startMs: 5, durationMs: 5 }
  expect(lengthOf([half, { ...half, durationMs: null }])).toBe(10)
  expect(placeOf(half, 10)).toEqual({ left: 0.5, width: 0.5 })
  expect(placeOf(span('a', null), 0)).toEqual({ left: 0, width: 0 })
})

function span(id: string, parent: string | null): SpanWire {
  return {
    span: id,
    parent,
    name: id,
    type: null,
    status: 'OK',
    message: '',
    startMs: 0,
    durationMs: 0,
    inputs: null,
    outputs: null,
    attributes: {},
    events: [],
  }
}
