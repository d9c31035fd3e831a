import { expect, test } from 'vitest'
import { failureOf, HTTP_STATUS } from './failure.ts'
import { Problem } from './problem.ts'

test('a problem is told in its own words, and whether trying again helps', () => {
  expect(failureOf(new Problem('not-found', 'no model a'), 'r')).toMatchObject({
    status: 404,
    message: 'no model a',
    headers: {},
    isFault: false,
  })
  for (const code of ['unavailable', 'quota'] as const)
    expect(failureOf(new Problem(code, 'later'), 'r').headers).toEqual({ 'retry-after': '1' })
  const known = new Problem('quota', 'later', { retryAfterMs: 2001 })
  expect(failureOf(known, 'r').headers).toEqual({ 'retry-after': '3' })
})

test('a protocol may have statuses of its own', () => {
  const statuses = { ...HTTP_STATUS, conflict: 400 }
  expect(failureOf(new Problem('conflict', 'it moved'), 'r', statuses).status).toBe(400)
})

test('what the HTTP server refuses keeps its status, and a fault tells the request and nothing else', () => {
  const refused = Object.assign(new Error('too long'), { statusCode: 413 })
  expect(failureOf(refused, 'r')).toMatchObject({ status: 413, message: 'too long' })
  const fault = failureOf(new Error('a secret'), 'r-7')
  expect(fault).toMatchObject({ status: 500, isFault: true, problem: undefined })
  expect(fault.message).toMatch(/r-7/)
  expect(fault.message).not.toMatch(/secret/)
})
