import { expect, test } from 'vitest'
import { stepChanges, type StepRun } from './steps.ts'

const ran: StepRun = {
  state: 'succeeded',
  reason: null,
  command: 'python featurize.py',
  params: { 'dvc.scale': '1' },
  environment: 'e1',
  reads: { 'data/raw.csv': 'a' },
  writes: { 'data/features.csv': 'b' },
}

const check = (now: Partial<StepRun>, says: (string | RegExp)[], before = ran) => {
  const found = stepChanges({ ...ran, ...now }, before)
  expect(found).toEqual(
    says.map((each) => (each instanceof RegExp ? expect.stringMatching(each) : each)),
  )
}

test('a step that did the same as before is no cause', () => {
  check({}, [])
  check({ state: 'up-to-date', command: null, reads: {} }, [])
  expect(stepChanges(ran, undefined)).toEqual([])
})

test('a step is told by its command, parameters, inputs and environment that changed', () => {
  check({ command: 'python other.py' }, [
    'its command is "python other.py", was "python featurize.py"',
  ])
  check({ params: { 'dvc.scale': '1000', 'dvc.new': 'x' } }, [
    'dvc.new is x, was not set',
    'dvc.scale is 1000, was 1',
  ])
  check(
    { reads: { 'data/raw.csv': 'c', 'data/more.csv': 'd' }, writes: { 'data/features.csv': 'z' } },
    ['it reads data/more.csv, too', 'it read another version of data/raw.csv'],
  )
  check({ reads: {}, environment: 'e2' }, [
    'it does not read data/raw.csv any more',
    'it ran in another environment',
  ])
})

test('other data of the same inputs is told as that', () => {
  check({ writes: { 'data/features.csv': 'z' } }, [/other data than before.*data\/features\.csv/])
})

test('a step that failed is told with its reason, whatever ran before', () => {
  check({ state: 'failed', reason: 'out of memory', command: 'x' }, ['it failed: out of memory'])
  expect(stepChanges({ ...ran, state: 'killed' }, undefined)).toEqual(['it was stopped'])
})

test('a step that was put back from the cache is told only when its data are others', () => {
  const restored = { state: 'restored', command: null, params: {}, reads: {} } as const
  check(restored, [])
  check({ ...restored, writes: { 'data/features.csv': 'old' } }, [/put back.*data\/features\.csv/])
})

test('of many changes some are named and the others counted', () => {
  const params = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [`p${at}`, 'x'.repeat(500)]),
  )
  const found = stepChanges({ ...ran, params }, { ...ran, params: {} })
  expect(found).toHaveLength(4)
  expect(found.at(-1)).toBe('27 more')
  expect(found.join('').length).toBeLessThan(600)
})
