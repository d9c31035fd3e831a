import { expect, test } from 'vitest'
import * as read from './headers.ts'
import { answerHeaders, headerIn } from './headers.ts'

/** Without the headers themselves, which go along as they are. */
function contextIn(...asked: Parameters<typeof read.contextIn>) {
  const { headers, ...said } = read.contextIn(...asked)
  expect(headers).toBe(asked[0])
  return said
}

test('the headers of a request say what it is called, how long it may take and who should answer', () => {
  expect(
    contextIn({
      'x-request-id': 'r-1',
      'x-request-timeout-ms': '250',
      'x-route': ':3:',
      'x-sticky-key': 'ann',
      'x-orrery-revision': 'v2',
      accept: '*/*',
    }),
  ).toEqual({ id: 'r-1', deadlineMs: 250, route: ':3:', stickyKey: 'ann', override: 'v2' })
  expect(contextIn({ 'x-request-id': '', 'x-request-timeout-ms': '', 'x-route': '' })).toEqual({})
})

test('of several ids the nearest to the caller names the request', () => {
  const headers = { 'x-request-id': 'plain', 'x-amzn-sagemaker-inference-id': 'sagemaker' }
  expect(contextIn(headers)).toEqual({ id: 'sagemaker' })
  expect(contextIn(headers, { id: 'body' })).toEqual({ id: 'body' })
})

test('of two deadlines the sooner one is kept', () => {
  const headers = { 'x-request-timeout-ms': '250' }
  expect(contextIn(headers, { deadlineMs: 100 })).toEqual({ deadlineMs: 100 })
  expect(contextIn(headers, { deadlineMs: 900 })).toEqual({ deadlineMs: 250 })
  expect(contextIn({}, { deadlineMs: 900 })).toEqual({ deadlineMs: 900 })
})

test.each(['soon', '-1', '1.5', '1e3', '9999999999'])('a timeout of %s is refused', (timeout) => {
  expect(() => contextIn({ 'x-request-timeout-ms': timeout })).toThrow(/whole number of millisec/)
})

test('of a header that was sent twice the first is read', () => {
  expect(headerIn({ accept: ['text/csv', 'text/plain'] }, 'accept')).toBe('text/csv')
  expect(headerIn({ accept: [] }, 'accept')).toBeUndefined()
})

test('an answer says what it is called and how to stay with the revision that gave it', () => {
  const answer = { batch: 'b', revision: 3, modelVersion: 'late/7', rows: 1, outputs: [] }
  expect(answerHeaders(answer)).toEqual({
    'x-request-id': 'b',
    'x-prediction-id': 'b',
    'x-model-version': 'late/7',
    'x-revision': '3',
    'x-route': ':3:',
  })
})
