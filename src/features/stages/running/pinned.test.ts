import { expect, test } from 'vitest'
import { pinned, type Surroundings } from './pinned.ts'

const machine: Surroundings = { cpus: 8, own: {}, commitSeconds: 1_700_000_000 }

test('seeds, threads, the clock and the language of a stage are pinned', () => {
  expect(pinned({}, machine)).toEqual({
    variables: expect.objectContaining({
      PYTHONHASHSEED: '0',
      OMP_NUM_THREADS: '8',
      MKL_NUM_THREADS: '8',
      CUBLAS_WORKSPACE_CONFIG: ':4096:8',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      SOURCE_DATE_EPOCH: '1700000000',
    }),
    own: [],
  })
})

test('a stage that declares processors has as many threads on every machine', () => {
  const threads = (cpus: number) =>
    pinned({ resources: { cpus } }, machine).variables['OPENBLAS_NUM_THREADS']
  expect([2, 0.5, 16].map(threads)).toEqual(['2', '1', '16'])
})

test('what its runner has set stays, and is told', () => {
  const { variables, own } = pinned({}, { ...machine, own: { TZ: 'Asia/Tokyo', LC_ALL: '' } })
  expect(own).toEqual(['TZ'])
  expect(variables).toMatchObject({ TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' })
})

test('a stage may pin nothing, more, other values, or leave one out', () => {
  expect(pinned({ pin: false }, machine)).toEqual({ variables: {}, own: [] })
  const pin = new Map([
    ['OMP_NUM_THREADS', '4'],
    ['TZ', null],
    ['SEED', '7'],
  ])
  const { variables, own } = pinned(
    { pin },
    { ...machine, own: { OMP_NUM_THREADS: '2', TZ: 'Asia/Tokyo' } },
  )
  expect(variables).toMatchObject({ OMP_NUM_THREADS: '4', SEED: '7', MKL_NUM_THREADS: '8' })
  expect(variables).not.toHaveProperty('TZ')
  expect(own).toEqual([])
})

test('without a commit, the date is the first that every archive can hold', () => {
  const dateAt = (commitSeconds: number | undefined) =>
    pinned({}, { ...machine, commitSeconds }).variables['SOURCE_DATE_EPOCH']
  expect([undefined, 0].map(dateAt)).toEqual(['315532800', '315532800'])
})
