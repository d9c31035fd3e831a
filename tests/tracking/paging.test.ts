import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTracking, USER, type TrackingWorld } from '../support/tracking.ts'

let world: TrackingWorld
beforeEach(async () => {
  world = await openTracking()
})
afterEach(() => world.close())

const SEARCH = '/api/2.0/mlflow/runs/search'

async function search(asked: object) {
  const answer = await world.http.inject({ method: 'POST', url: SEARCH, payload: asked })
  return answer.json<{
    runs?: { info: { run_id: string } }[]
    next_page_token?: string
    error_code?: string
  }>()
}

const ORDERS = [
  [],
  ['metrics.m'],
  ['metrics.m DESC'],
  ['params.p', 'metrics.m DESC'],
  ['tags.t DESC', 'start_time'],
  ['end_time DESC', 'run_name'],
]

const runGiven = fc.record({
  startMs: fc.integer({ min: 1, max: 4 }),
  metric: fc.option(fc.constantFrom(0, 1, 0.1, -1e-9, Number.NaN, Infinity, -Infinity)),
  param: fc.option(fc.constantFrom('', 'a', 'é', '10', '9')),
  tag: fc.option(fc.constantFrom('', 'A', 'a', "'")),
})

test('paging gives each run that was there once and in order, whatever begins meanwhile', async () => {
  const make = async (given: typeof runGiven extends fc.Arbitrary<infer T> ? T : never) => {
    const { runId } = await world.tracking.startRun(USER, { startMs: given.startMs })
    await world.tracking.logBatch(runId, {
      metrics: given.metric === null ? [] : [{ key: 'm', value: given.metric, step: 0, atMs: 1 }],
      params: given.param === null ? [] : [{ key: 'p', value: given.param }],
      tags: given.tag === null ? [] : [{ key: 't', value: given.tag }],
    })
    return runId
  }
  const runs = fc.array(runGiven, { minLength: 1, maxLength: 12 })
  const order = fc.constantFrom(...ORDERS)
  await fc.assert(
    fc.asyncProperty(runs, runs, order, fc.integer({ min: 1, max: 4 }), async (...given) => {
      const [before, meanwhile, order_by, max_results] = given
      const asked = { experiment_ids: ['0'], order_by }
      for (const each of before) await make(each)
      const all = await search({ ...asked, max_results: 50_000 })
      const expected = (all.runs ?? []).map((run) => run.info.run_id)
      const seen: string[] = []
      let page_token: string | undefined = ''
      while (page_token !== undefined) {
        const page = await search({ ...asked, max_results, page_token })
        seen.push(...(page.runs ?? []).map((run) => run.info.run_id))
        page_token = page.next_page_token
        const next = meanwhile.pop()
        if (next !== undefined) await make(next)
      }
      expect(new Set(seen).size).toBe(seen.length)
      const known = new Set(expected)
      expect(seen.filter((runId) => known.has(runId))).toEqual(expected)
    }),
    { numRuns: 25, seed: 5 },
  )
})

test.each([
  'garbage',
  '{}',
  'null',
  '[]',
  '{"after":7}',
  '{"after":[]}',
  '{"after":[null,null]}',
  '{"after":[1]}',
  '{"after":["x","y"]}',
  '{"after":[1,2]}',
  '{"after":[1,"a","b"]}',
  '{"after":[1,{"a":1}]}',
  '{"after":[1,"\\u0000"]}',
  '{"offset":5}',
])('a token that no page gave is refused: %s', async (text) => {
  for (const page_token of [text, Buffer.from(text).toString('base64url')])
    expect(await search({ experiment_ids: ['0'], page_token })).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
    })
})

test('a token of another order is refused, and what it holds is never run as SQL', async () => {
  const runId = (await world.tracking.startRun(USER, {})).runId
  const token = (after: unknown[]) => Buffer.from(JSON.stringify({ after })).toString('base64url')
  const injected = token([1, "' OR 1=1; DROP TABLE runs; --"])
  expect((await search({ experiment_ids: ['0'], page_token: injected })).error_code).toBeUndefined()
  expect(
    await search({
      experiment_ids: ['0'],
      order_by: ['metrics.m'],
      page_token: token([1, 'a']),
    }),
  ).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
  expect((await search({ experiment_ids: ['0'] })).runs?.[0]?.info.run_id).toBe(runId)
})

test('patterns with many wildcards are answered at once', async () => {
  const { runId } = await world.tracking.startRun(USER, {})
  await world.tracking.logParams(runId, [{ key: 'p', value: 'a'.repeat(6000) }])
  const begun = performance.now()
  for (const pattern of [
    '%a'.repeat(200),
    `${'%a'.repeat(400)}b`,
    `%${'_%'.repeat(300)}b`,
    '%'.repeat(4000),
  ])
    for (const like of ['LIKE', 'ILIKE'])
      await search({ experiment_ids: ['0'], filter: `params.p ${like} '${pattern}'` })
  expect(performance.now() - begun).toBeLessThan(3000)
})

test('a pattern longer than any text is refused', async () => {
  const filter = `params.p LIKE '${'a'.repeat(20_001)}'`
  expect(await search({ experiment_ids: ['0'], filter })).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
  })
})
