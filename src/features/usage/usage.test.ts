import { expect, test } from 'vitest'
import type { Measured } from '#inference'
import { manualClock } from '#base/clock'
import type { Counted } from './counted.ts'
import { joined, type UsageHour } from './hour.ts'
import { spentBetween } from './spent.ts'
import { createUsage } from './usage.ts'

type Requests = Measured['requests'][number]
type Runs = Measured['runs'][number]

const bins = (count: number, sum: number) => ({ bounds: [1], counts: [count, 0], sum })

function requests(revision: number, answered: number): Requests {
  const of = { endpoint: 'late', revision, modelVersion: `m/${revision}`, protocol: 'mlflow' }
  return { ...of, rows: answered * 2, seconds: bins(answered, answered / 10) }
}

function runs(revision: number, seconds: number): Runs {
  const of = { endpoint: 'late', revision, modelVersion: `m/${revision}`, role: 'live' as const }
  return {
    ...of,
    queueSeconds: bins(1, 0),
    modelSeconds: bins(1, seconds),
    batchRows: bins(1, 1),
  }
}

const counted = (what: Partial<Counted>): Counted => ({
  life: '7',
  requests: [],
  runs: [],
  errors: [],
  failed: [],
  loaded: [],
  processes: [],
  cpuSeconds: 0,
  host: { processors: 4, busySeconds: 0 },
  ...what,
})

const model = (revision: number, pid: number) => ({
  endpoint: 'late',
  revision,
  modelVersion: `m/${revision}`,
  pid,
})

test('what counters grew by is what was answered, and a process that began anew counts from 0', () => {
  const first = { counted: counted({ requests: [requests(1, 10)] }), atMs: 0 }
  const later = { counted: counted({ requests: [requests(1, 13)] }), atMs: 1000 }
  const reborn = { counted: counted({ life: '8', requests: [requests(1, 4)] }), atMs: 2000 }
  expect(spentBetween(undefined, first)).toMatchObject([{ revision: 1, requests: 10, rows: 20 }])
  expect(spentBetween(first, later)).toMatchObject([{ requests: 3, rows: 6 }])
  expect(spentBetween(later, later)).toEqual([])
  expect(spentBetween(later, reborn)).toMatchObject([{ requests: 4, rows: 8 }])
})

test('what was not answered is told by kind, and names that no endpoint has are nobody’s', () => {
  const error = { endpoint: 'late', protocol: 'mlflow', kind: 'quota', count: 2 }
  const errors = [error, { ...error, kind: 'fault', count: 1 }, { ...error, endpoint: '' }]
  const failed = [{ endpoint: 'late', revision: 1, modelVersion: 'm/1', count: 1 }]
  const spent = spentBetween(undefined, { counted: counted({ errors, failed }), atMs: 0 })
  expect(spent.toSorted((one, other) => one.revision - other.revision)).toMatchObject([
    { endpoint: 'late', revision: 0, failed: 3, kinds: { quota: 2, fault: 1 } },
    { endpoint: 'late', revision: 1, failed: 1, kinds: {} },
  ])
})

test('a process that holds two models is shared by how long each ran', () => {
  const loaded = [model(1, 5), model(2, 5)]
  const at = (cpuSeconds: number, seconds: [number, number]) =>
    counted({
      loaded,
      runs: [runs(1, seconds[0]), runs(2, seconds[1])],
      processes: [{ pid: 5, cpuSeconds, memoryBytes: 100 }],
      host: { processors: 4, busySeconds: cpuSeconds * 2 },
    })
  const before = { counted: at(10, [1, 1]), atMs: 0 }
  const spent = spentBetween(before, { counted: at(18, [4, 2]), atMs: 10_000 })
  expect(spent).toMatchObject([
    { revision: 1, cpuSeconds: 6, memoryBytes: 100, loadedSeconds: 10, hostSeconds: 40 },
    { revision: 2, cpuSeconds: 2, memoryBytes: 100, loadedSeconds: 10, hostBusySeconds: 16 },
  ])
  const idle = spentBetween(before, { counted: at(11, [1, 1]), atMs: 10_000 })
  expect(idle.map(({ cpuSeconds }) => cpuSeconds)).toEqual([0.5, 0.5])
})

test('what could not be kept is kept at the next look, once', async () => {
  const clock = manualClock(0)
  const kept: UsageHour[] = []
  let answered = 5
  let full = true
  const usage = createUsage({
    clock,
    count: async () => counted({ requests: [requests(1, answered)] }),
    read: { hours: async () => kept },
    transact: async (work) => {
      if (full) throw new Error('the disk is full')
      return work({
        ledger: undefined as never,
        usage: {
          hours: async () => kept,
          add: async (hours) => {
            const [before] = kept.splice(0)
            for (const hour of hours) kept.push(before === undefined ? hour : joined(before, hour))
          },
          forget: async () => undefined,
        },
      })
    },
  })
  await expect(usage.collect()).rejects.toThrow('full')
  full = false
  answered = 7
  clock.advance(1000)
  await usage.collect()
  expect(kept).toMatchObject([{ requests: 7, startMs: 0 }])
  await usage.collect()
  clock.advance(1000)
  expect(await usage.hours('late', { fromMs: 0, toMs: 3_600_000 })).toMatchObject([{ requests: 7 }])
})
