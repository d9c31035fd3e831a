import { expect, test } from 'vitest'
import type { PolicyConfig } from '#projects'
import { firesOn, promotionAfter, type Finding } from './policy-run.ts'

const DAY_MS = 86_400_000

const policy: PolicyConfig = {
  on: [{ drift: 'flights' }, { performance: 'flights' }],
  run: 'train',
  data: {},
  cooldown: '14d',
  then: 'promote flights-late@champion',
}

const finding: Finding = {
  position: 7,
  type: 'drift-detected',
  endpoint: 'flights',
  window: 'flights/2013-04-01',
  eventMs: 100 * DAY_MS,
}

const quiet = { running: false, lastEventMs: undefined }

test('a policy acts on the findings it waits for, of its own endpoint only', () => {
  expect(firesOn(policy, finding, quiet)).toBe(true)
  expect(firesOn(policy, { ...finding, type: 'performance-fell' }, quiet)).toBe(true)
  expect(firesOn(policy, { ...finding, endpoint: 'other' }, quiet)).toBe(false)
  expect(firesOn({ ...policy, on: [{ performance: 'flights' }] }, finding, quiet)).toBe(false)
})

test('a policy rests for its cooldown in event time', () => {
  const after = (days: number) =>
    firesOn(policy, finding, { running: false, lastEventMs: finding.eventMs - days * DAY_MS })
  expect(after(13.9)).toBe(false)
  expect(after(14)).toBe(true)
})

test('one retraining of an endpoint at a time', () => {
  expect(firesOn(policy, finding, { running: true, lastEventMs: undefined })).toBe(false)
})

test('what follows a run is read from the policy', () => {
  expect(promotionAfter(policy)).toEqual({ model: 'flights-late', alias: 'champion' })
  expect(promotionAfter({ ...policy, then: undefined as never })).toBeUndefined()
})
