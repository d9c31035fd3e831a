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

const changes = (now: Partial<StepRun>) => stepChanges({ ...ran, ...now }, ran)
const like = (text: RegExp) => expect.stringMatching(text) as string

test('a step that did the same as before is no cause', () => {
  expect(changes({})).toEqual([])
  expect(changes({ state: 'up-to-date', command: null, reads: {} })).toEqual([])
  expect(stepChanges(ran, undefined)).toEqual([])
})

test('a step is told by its command, parameters, inputs and environment that changed', () => {
  expect(changes({ command: 'python other.py' })).toEqual([
    'its command is "python other.py", was "python featurize.py"',
  ])
  expect(changes({ params: { 'dvc.scale': '1000', 'dvc.new': 'x' } })).toEqual([
    'dvc.new is x, was not set',
    'dvc.scale is 1000, was 1',
  ])
  expect(
    changes({
      reads: { 'data/raw.csv': 'c', 'data/more.csv': 'd' },
      writes: { 'data/features.csv': 'z' },
    }),
  ).toEqual(['it reads data/more.csv, too', 'it read another version of data/raw.csv'])
  expect(changes({ reads: {}, environment: 'e2' })).toEqual([
    'it does not read data/raw.csv any more',
    'it ran in another environment',
  ])
})

test('other data of the same inputs is told as that', () => {
  expect(changes({ writes: { 'data/features.csv': 'z' } })).toEqual([
    like(/other data than before.*data\/features\.csv/),
  ])
})

test('a step that failed is told with its reason, whatever ran before', () => {
  expect(changes({ state: 'failed', reason: 'out of memory', command: 'x' })).toEqual([
    'it failed: out of memory',
  ])
  expect(stepChanges({ ...ran, state: 'killed' }, undefined)).toEqual(['it was stopped'])
})

test('a step that was put back from the cache is told only when its data are others', () => {
  const restored = { state: 'restored', command: null, params: {}, reads: {} } as const
  expect(changes(restored)).toEqual([])
  expect(changes({ ...restored, writes: { 'data/features.csv': 'old' } })).toEqual([
    like(/put back.*data\/features\.csv/),
  ])
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
