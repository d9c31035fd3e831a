import { expect, test } from 'vitest'
import { fixtureModels, LOCAL, openServing } from '../support/serving.ts'
import { Problem } from '#base/problem'

const input = {
  form: 'rows',
  columns: ['carrier', 'hour', 'distance'],
  rows: [['AA', 15, 900]],
} as const

test('an endpoint whose files cannot be had at the start says so, and answers as soon as they can', async () => {
  const models = fixtureModels()
  models.set('late', 1, 'flights')
  const before = await openServing({ models: models.source })
  const declared = { name: 'late', project: '', shadows: [], monitor: null }
  await before.serving.declareEndpoint(LOCAL, { ...declared, model: 'models:/late/1' })
  await before.serving.rollOut(LOCAL, 'late')
  await before.close()

  let areAway = true
  const place: typeof models.source.place = async (model, version) => {
    if (areAway) throw new Problem('unavailable', 'the bucket does not answer')
    return models.source.place(model, version)
  }
  const after = await openServing({ models: { ...models.source, place }, home: before.home })
  try {
    await after.serving.start()
    await expect
      .poll(() => after.serving.readiness(), { timeout: 5000 })
      .toEqual({
        ready: false,
        endpoints: [{ endpoint: 'late', state: 'loading', reason: 'the bucket does not answer' }],
      })
    await expect(after.serving.predict('late', { input })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the bucket does not answer') as string,
    })
    areAway = false
    await expect
      .poll(async () => after.serving.predict('late', { input }).then(({ rows }) => rows, String), {
        timeout: 15_000,
      })
      .toBe(1)
    expect(after.serving.readiness().ready).toBe(true)
  } finally {
    await after.close()
  }
}, 40_000)
