import { beforeEach, expect, test } from 'vitest'
import {
  createTriggers,
  firePolicies,
  noteGivenUp,
  noteOutcome,
  policyRunHandler,
  type Acts,
  type Triggers,
} from '#automation'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import type { Logger } from '#base/logger'
import type { Actor, Fact } from '#ledger'
import type { PolicyConfig, Project, Projects } from '#projects'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

const HOUR_MS = 3_600_000
const person: Actor = { kind: 'user', id: 'ada' }

eachSqlStore((name, open) => {
  let clock: ReturnType<typeof manualClock>
  let store: SqlStore
  let project: Project
  let heads: Map<string, string>
  let version: number

  beforeEach(async () => {
    clock = manualClock(Date.parse('2026-03-01T00:30:00Z'))
    store = await open({ clock, ids: countedIds() })
    heads = new Map()
    version = 0
    write({})
  })

  function write(policies: Record<string, Partial<PolicyConfig>>): void {
    const whole = Object.entries(policies).map(([policy, config]) => [
      policy,
      { run: 'train', data: {}, on: ['manual'], ...config },
    ])
    project = {
      name: 'flights',
      origin: '/origin',
      branch: 'main',
      commit: 'c'.repeat(40),
      data: [],
      syncedMs: 0,
      config: {
        project: 'flights',
        models: {},
        endpoints: {},
        policies: Object.fromEntries(whole) as Project['config']['policies'],
      },
    }
  }

  /** A server's triggers; several are several servers on one database. */
  function server(): Triggers {
    const projects: Projects = {
      list: async () => [project],
      get: async () => project,
      add: async () => project,
      sync: async () => project,
    }
    const logger = { warn: () => undefined } as unknown as Logger
    const outside = {
      heads: async () => heads,
      commitOf: async (_: Project, rev: string) => rev,
      newestTable: async () => ({ version, address: '/table' }),
    }
    const { read, transact } = store
    return createTriggers({ read: read.automation, transact, projects, outside, clock, logger })
  }

  const told = async (...types: string[]) =>
    (await store.read.ledger.list({ after: -1, limit: 200, types })).map(({ data }) => data)

  const hourly = (catch_up?: 'none' | 'last' | 'all') => ({
    on: [{ schedule: { cron: '@hourly', ...(catch_up === undefined ? {} : { catch_up }) } }],
  })

  test('a schedule begins when it is first seen, and each tick is told once by however many servers', async () => {
    write({ nightly: hourly() })
    const servers = [server(), server()]
    for (let minute = 0; minute < 120; minute++) {
      await Promise.all(servers.map((each) => each.tick()))
      clock.advance(60_000)
    }
    expect((await told('schedule-ticked')).map(({ tick }) => tick)).toEqual([
      '2026-03-01T01:00:00.000Z',
      '2026-03-01T02:00:00.000Z',
    ])
  })

  test.each([
    ['none', [], 3],
    ['last', ['03:00'], undefined],
    ['all', ['01:00', '02:00', '03:00'], undefined],
  ] as const)(
    'after three hours without a server, catch_up: %s',
    async (catchUp, ticks, missed) => {
      write({ nightly: hourly(catchUp) })
      await server().tick()
      clock.advance(3 * HOUR_MS)
      await server().tick()
      await server().tick()
      const found = await told('schedule-ticked')
      expect(found.map(({ tick }) => (tick as string).slice(11, 16))).toEqual(ticks)
      expect(found.every(({ late }) => late === true)).toBe(true)
      expect((await told('schedule-missed'))[0]?.['count']).toBe(missed)
      clock.advance(HOUR_MS)
      const next = server()
      await next.tick()
      expect((await told('schedule-ticked')).length).toBe(
        ticks.length + (catchUp === 'none' ? 0 : 1),
      )
    },
  )

  test('a schedule that was taken away and comes back begins anew', async () => {
    write({ nightly: hourly('all') })
    await server().tick()
    write({})
    await server().tick()
    clock.advance(5 * HOUR_MS)
    write({ nightly: hourly('all') })
    await server().tick()
    expect(await told('schedule-ticked')).toEqual([])
  })

  test('branches and tables are told when they move, and not when they are first seen', async () => {
    write({ on: { on: [{ push: 'release' }, { delta: 'people' }] } })
    heads = new Map([['release', 'a'.repeat(40)]])
    const servers = [server(), server()]
    const look = () => Promise.all(servers.map((each) => each.watch('flights')))
    await look()
    expect(await told('branch-pushed', 'table-version-added')).toEqual([])
    heads = new Map([['release', 'b'.repeat(40)]])
    version = 3
    await look()
    await look()
    expect(await told('branch-pushed')).toMatchObject([
      { commit: 'b'.repeat(40), previous: 'a'.repeat(40) },
    ])
    expect(await told('table-version-added')).toMatchObject([{ version: 3, previous: 0 }])
  })

  test('a branch that a hook tells of is news although it was never seen', async () => {
    write({ on: { on: [{ push: 'release' }] } })
    heads = new Map([['release', 'a'.repeat(40)]])
    await server().watch('flights', 'release')
    expect(await told('branch-pushed')).toHaveLength(1)
  })

  test('a call that comes twice at once is one call', async () => {
    const call = { project: 'flights', hook: 'build', from: 'github', event: 'push', key: 'k' }
    const push = { branch: 'main', commit: 'a'.repeat(40) }
    const taken = await Promise.all([1, 2, 3].map(() => server().call({ ...call, push })))
    expect(taken.filter(Boolean)).toEqual([true])
    expect(await told('hook-called')).toHaveLength(1)
    expect(await store.read.work.open()).toHaveLength(1)
  })

  test('a person names a policy that there is, and the key of a call counts once', async () => {
    write({ asked: {} })
    const call = { project: 'flights', policy: 'asked', reason: null, set: [], rev: null, key: 'k' }
    await server().trigger(person, call)
    await expect(server().trigger(person, call)).rejects.toMatchObject({ code: 'exists' })
    await expect(server().trigger(person, { ...call, policy: 'other' })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('has asked'),
    })
  })

  async function setOff(policy: string): Promise<void> {
    const call = { project: 'flights', policy, reason: null, set: [], rev: null, key: null }
    const position = await server().trigger(person, call)
    await store.transact(async (tx) => {
      const entry = await tx.ledger.find(position)
      if (entry === undefined) throw new Error('it was told')
      await firePolicies(entry, tx, {
        projects: [project],
        hasRunWith: async () => false,
        policyRunBehind: async () => undefined,
        clock,
      })
    })
  }

  const acts: Acts = {
    project: async () => project,
    runPipeline: async ({ policyRun }) => ({ pipelineRun: `${policyRun}.1` }),
    versionMadeBy: async () => undefined,
    promote: async () => ({ id: 'none', accepted: true }),
    abandon: async () => undefined,
  }
  const states = async () =>
    Object.fromEntries(
      (await store.read.automation.list({ limit: 10 })).map(({ policy, state }) => [policy, state]),
    )
  const finish = async (policy: string, given: Partial<Acts> = {}) => {
    const jobs = await store.read.work.open()
    const job = jobs.find(({ key }) => key.includes(`:${policy}-`))
    if (job === undefined) throw new Error(`${policy} has no job`)
    const { read, transact } = store
    await policyRunHandler({
      read: read.automation,
      transact,
      acts: { ...acts, ...given },
      clock,
    }).run(job, new AbortController().signal)
  }

  test('of one group as many run as may, and those that wait come in their order', async () => {
    const concurrency = { group: 'gpu', limit: 1 }
    write({ a: { concurrency }, b: { concurrency }, c: { concurrency }, d: {} })
    for (const policy of ['a', 'b', 'c', 'd']) await setOff(policy)
    expect(await states()).toEqual({ a: 'running', b: 'queued', c: 'queued', d: 'running' })
    await finish('a')
    expect(await states()).toMatchObject({ a: 'succeeded', b: 'running', c: 'queued' })
    await finish('b')
    expect(await states()).toMatchObject({ b: 'succeeded', c: 'running' })
    expect(await told('policy-fired')).toHaveLength(4)
  })

  test('one that takes the place of another ends it, and what it has begun', async () => {
    const concurrency = (when_busy: 'queue' | 'cancel_running') => ({
      concurrency: { group: 'gpu', when_busy },
    })
    write({ a: concurrency('queue'), b: concurrency('cancel_running') })
    await setOff('a')
    const began = Promise.withResolvers<undefined>()
    const abandoned: string[] = []
    const running = finish('a', {
      runPipeline: ({ signal }) =>
        new Promise((_, reject) => {
          began.resolve(undefined)
          signal.addEventListener('abort', () => reject(new Error('it was ended')))
        }),
      abandon: async ({ reason }) => void abandoned.push(reason),
    })
    await began.promise
    await setOff('b')
    await running
    expect(await states()).toEqual({ a: 'cancelled', b: 'running' })
    expect(abandoned).toEqual([expect.stringMatching(/^b-\d+ took its place$/)])
    expect(await told('policy-run-finished')).toMatchObject([{ outcome: 'cancelled' }])
  })

  /** Tells of something, and lets it be known what became of versions, as the follower does. */
  async function happened(type: string, data: Fact['data'], eventMs: number): Promise<void> {
    await store.transact(async (tx) => {
      const [position = 0] = await tx.ledger.append(person, [{ type, data, eventMs }])
      const entry = await tx.ledger.find(position)
      if (entry === undefined) throw new Error('it was told')
      await noteOutcome(entry, tx, [project])
      await noteGivenUp(tx, { project, policy: 'keep', nowMs: clock.nowMs() })
    })
  }

  test('a version that is rolled back or found wanting at once did not help, and after two of them the policy says so, once', async () => {
    const then = 'promote late@champion'
    write({ keep: { then, cooldown: '7d', backoff: { after: 2 }, concurrency: { limit: 9 } } })
    const made = async (number: number) => {
      await setOff('keep')
      const run = await store.read.automation.newest('flights', 'keep')
      if (run === undefined) throw new Error('it was set off')
      const ended = { state: 'succeeded', helped: true, modelVersion: `late/${number}` } as const
      await store.transact(({ automation }) => automation.save({ ...run, ...ended }))
    }
    await made(2)
    const at = clock.nowMs()
    const about = (number: number) => ({ endpoint: 'late', modelVersion: `late/${number}` })
    const rolledBack = { ...about(1), givenUp: 'late/2', reason: 'errors rose.' }
    await happened('rollout-rolled-back', rolledBack, at)
    await made(3)
    await happened('rollout-completed', about(3), at)
    expect(await told('policy-gave-up')).toEqual([])
    await happened('drift-detected', { ...about(3), detail: 'rain' }, at + 30 * 24 * HOUR_MS)
    expect(await told('policy-outcome')).toMatchObject([
      {
        outcome: 'rolled-back',
        why: expect.stringMatching(/^late\/2, .* is not kept: errors rose\.$/),
      },
      { outcome: 'kept' },
    ])
    for (const _ of [1, 2]) await happened('performance-fell', about(3), at + HOUR_MS)
    await happened('window-evaluated', about(3), at + HOUR_MS)
    expect((await told('policy-outcome')).map(({ outcome }) => outcome)).toEqual([
      'rolled-back',
      'kept',
      'found-wanting',
    ])
    expect(await told('policy-gave-up')).toMatchObject([
      { policy: 'keep', unhelpful: 2, why: expect.stringContaining('2 runs after one another') },
    ])
  })

  test(`pages of dates keep their order and count by state on ${name}`, async () => {
    const { transact, read } = store
    const date = (number: number) => ({
      backfill: 'backfill-1',
      number,
      startMs: number,
      endMs: number + 1,
      state: 'waiting' as const,
      tries: 0,
      request: null,
      reason: null,
    })
    await transact(async ({ automation }) => {
      await automation.saveDates(Array.from({ length: 2500 }, (_, number) => date(number)))
      await automation.saveDates([{ ...date(2), state: 'failed', reason: 'no' }])
    })
    expect(await read.automation.countDates('backfill-1')).toMatchObject({
      waiting: 2499,
      failed: 1,
    })
    const page = await read.automation.dates('backfill-1', { limit: 3, after: 1 })
    expect(page.map(({ number, state }) => [number, state])).toEqual([
      [2, 'failed'],
      [3, 'waiting'],
      [4, 'waiting'],
    ])
    expect(await transact(({ automation }) => automation.reopenDates('backfill-1'))).toBe(1)
    expect(await read.automation.findDate('backfill-1', 2)).toMatchObject({ state: 'waiting' })
  })
})
