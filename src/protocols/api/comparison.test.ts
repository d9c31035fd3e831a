import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import { comparisonRoutes } from './comparison.ts'
import { answerProblems } from './errors.ts'

const app = Fastify()
answerProblems(app)
comparisonRoutes(app, async (endpoint, { fromMs, toMs }) => {
  if (endpoint !== 'late') throw new Problem('not-found', `there is no endpoint ${endpoint}`)
  return { predictions: toMs - fromMs, labels: 1, compared: 0, live: 0.5, shadow: null }
})

test('live and shadow are compared over a span of event time', async () => {
  const answer = await app.inject(
    '/endpoints/late/comparison?from=2013-01-01&to=2013-01-02T00:00:00Z',
  )
  expect(answer.json()).toEqual({
    predictions: 86_400_000,
    labels: 1,
    compared: 0,
    live: 0.5,
    shadow: null,
  })
})

test.each([
  ['late/comparison?from=2013-01-01&to=soon', 400, /"soon"; write a time as 2013-03-01/],
  ['late/comparison?from=2013-01-02&to=2013-01-01', 400, /from must be before to/],
  ['late/comparison?from=2013-01-01&to=2013-01-01', 400, /from must be before to/],
  ['late/comparison?from=2013-01-01', 400, /to/],
  ['none/comparison?from=2013-01-01&to=2013-01-02', 404, /there is no endpoint none/],
])('%s is refused with what to mend', async (path, status, detail) => {
  const answer = await app.inject(`/endpoints/${path}`)
  expect(answer.statusCode).toBe(status)
  expect(answer.headers['content-type']).toMatch('application/problem+json')
  expect(answer.json<{ detail: string }>().detail).toMatch(detail)
})
