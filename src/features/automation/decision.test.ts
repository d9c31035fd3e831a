import { expect, test } from 'vitest'
import type { Entry } from '#ledger'
import type { PolicyConfig } from '#projects'
import { causeOf } from './cause.ts'
import { concurrencyOf, decide, type Standing } from './decision.ts'
import type { PolicyRun } from './policy-run.ts'

const DAY_MS = 86_400_000
const NOW_MS = 400 * DAY_MS
const own = { project: 'flights', name: 'keep' }

const policy: PolicyConfig = {
  on: [{ drift: 'late' }, { performance: 'late' }, { push: 'main' }],
  run: 'train',
  data: {},
  cooldown: '14d',
}

function entry(type: string, data: Entry['data'], eventMs = 100 * DAY_MS): Entry {
  const actor = { kind: 'user', id: 'ada' } as const
  return { type, data, eventMs, atMs: NOW_MS, position: 7, actor, edges: [] }
}

const drift = entry('drift-detected', { endpoint: 'late', window: 'late/1' })
const push = entry('branch-pushed', { project: 'flights', branch: 'main', commit: 'c'.repeat(40) })
const byHand = entry('policy-triggered', { project: 'flights', policy: 'keep', reason: 'a try' })

const quiet: Standing = {
  nowMs: NOW_MS,
  depth: 0,
  lastFinding: undefined,
  last: undefined,
  running: [],
  waiting: [],
  queuedInGroup: 0,
  runsInBudget: 0,
  runsInLastHour: 0,
  unhelpful: 0,
  hasRunWithData: false,
  group: 'flights/keep',
  endpoint: 'late',
}

function run(changes: Partial<PolicyRun>): PolicyRun {
  return {
    id: 'keep-1',
    project: 'flights',
    policy: 'keep',
    endpoint: 'late',
    cause: 1,
    causeType: 'drift-detected',
    kind: 'drift',
    why: '',
    group: 'flights/keep',
    limit: 1,
    depth: 0,
    order: { rev: null, set: [], variables: {} },
    refs: [],
    eventMs: 90 * DAY_MS,
    startedMs: NOW_MS - DAY_MS,
    state: 'running',
    reason: null,
    pipelineRun: null,
    modelVersion: null,
    promotion: null,
    helped: null,
    endedMs: null,
    ...changes,
  }
}

function decided(what: Entry, standing: Partial<Standing> = {}, given: Partial<PolicyConfig> = {}) {
  const changed = { ...policy, ...given }
  const cause = causeOf(what, { ...own, policy: changed })
  if (cause === undefined) throw new Error('it does not wait for that')
  return decide({ name: 'keep', policy: changed }, cause, { ...quiet, ...standing })
}

test('a policy acts on what it waits for, and says so', () => {
  expect(decided(drift)).toEqual({
    act: 'run',
    why: 'keep runs train because drift was found at late in the window late/1.',
    cancels: [],
  })
  expect(decided(push).why).toBe('keep runs train because main was pushed to cccccccccccc.')
  expect(decided(byHand).why).toBe('keep runs train because ada asked for it: a try.')
})

test('it does not wait for what concerns another endpoint, branch, project or policy', () => {
  for (const other of [
    entry('drift-detected', { endpoint: 'other', window: 'other/1' }),
    entry('branch-pushed', { ...push.data, branch: 'next' }),
    entry('branch-pushed', { ...push.data, project: 'trains' }),
    entry('policy-triggered', { ...byHand.data, policy: 'other' }),
    entry('run-ended', {}),
  ])
    expect(causeOf(other, { ...own, policy })).toBeUndefined()
})

test('what any alert is raised for is waited for by its kind, subject and severity, and named with its detail', () => {
  const broke = entry('quality-broke', {
    endpoint: 'late',
    window: 'late/1',
    subject: 'price',
    severity: 'warning',
    detail: '40 % of its values are a thousand times as large.',
    start: '2026-01-01T00:00:00.000Z',
    end: '2026-01-02T00:00:00.000Z',
  })
  type Alert = Extract<PolicyConfig['on'][number], { alert?: unknown }>['alert']
  const of = (alert: Alert) =>
    causeOf(broke, {
      ...own,
      policy: { ...policy, on: [{ alert }] as never, set: ['from={from}'] },
    })
  expect(of('late')?.words).toBe(
    'quality of price at late is not as it should be in the window late/1 (40 % of its values are a thousand times as large)',
  )
  expect(of('late')?.order).toMatchObject({
    set: ['from=2026-01-01T00:00:00.000Z'],
    variables: { ORRERY_ENDPOINT: 'late', ORRERY_WINDOW_END: '2026-01-02T00:00:00.000Z' },
  })
  expect(of({ endpoint: 'late', kind: ['kpis', 'quality'], subject: 'price' })).toBeDefined()
  for (const other of [
    'other',
    { endpoint: 'late', kind: 'kpis' },
    { endpoint: 'late', subject: 'age' },
    { endpoint: 'late', severity: 'critical' as const },
  ])
    expect(of(other)).toBeUndefined()
})

test('an event is waited for with its conditions, also inside of what it says', () => {
  const on = (where: Record<string, string | number>) => ({
    ...policy,
    on: [{ event: { type: 'run-ended', where } }],
  })
  const ended = entry('run-ended', { outcome: 'succeeded', of: { stage: 'train' }, count: 3 })
  const fits = (where: Record<string, string | number>) =>
    causeOf(ended, { ...own, policy: on(where) }) !== undefined
  expect(fits({})).toBe(true)
  expect(fits({ outcome: 'succeeded', 'of.stage': 'train', count: 3 })).toBe(true)
  expect(fits({ outcome: 'failed' })).toBe(false)
  expect(fits({ count: '3' })).toBe(false)
  expect(fits({ constructor: 'x' })).toBe(false)
})

test('after findings it rests in the time of what was found, after the rest by the clock', () => {
  const after = (days: number) =>
    decided(drift, { lastFinding: run({ eventMs: (100 - days) * DAY_MS }) })
  expect(after(13.9)).toMatchObject({ act: 'skip', why: expect.stringContaining('it rests until') })
  expect(after(14)).toMatchObject({ act: 'run' })
  expect(decided(push, { last: run({ startedMs: NOW_MS - 13 * DAY_MS }) }).act).toBe('skip')
  expect(decided(push, { last: run({ startedMs: NOW_MS - 14 * DAY_MS }) }).act).toBe('run')
})

test('without a cooldown, a finding rests for a day and nothing else rests', () => {
  const given = { ...policy }
  delete given.cooldown
  const of = (what: Entry, standing: Partial<Standing>) =>
    decide({ name: 'keep', policy: given }, causeOf(what, { ...own, policy: given }) as never, {
      ...quiet,
      ...standing,
    }).act
  expect(of(drift, { lastFinding: run({ eventMs: 99.5 * DAY_MS }) })).toBe('skip')
  expect(of(push, { last: run({ startedMs: NOW_MS }) })).toBe('run')
})

test('a rest without an end can be said too', () => {
  const rest = decided(drift, { lastFinding: run({}) }, { cooldown: `${'9'.repeat(30)}w` })
  expect(rest.why).toContain('it rests until the end of time')
})

test('whoever asks by hand is not made to wait for a rest', () => {
  expect(decided(byHand, { last: run({ startedMs: NOW_MS }) }).act).toBe('run')
})

test('one retraining of an endpoint at a time: a finding is let go, a push waits', () => {
  const running = [run({ group: 'trains/other', id: 'other-1' })]
  expect(decided(drift, { running })).toMatchObject({
    act: 'skip',
    why: 'keep does nothing although drift was found at late in the window late/1: other-1 is running for late.',
  })
  expect(decided(push, { running })).toMatchObject({
    act: 'queue',
    why: expect.stringContaining('It waits, for other-1 is running for late.'),
  })
})

test('a group runs as many as it may, and what then follows is what the policy says', () => {
  const concurrency = (when_busy?: 'queue' | 'skip' | 'cancel_running') => ({
    concurrency: { group: 'gpu', limit: 2, ...(when_busy === undefined ? {} : { when_busy }) },
  })
  const one = run({ id: 'a-1', group: 'gpu', endpoint: null })
  const two = run({ id: 'b-1', group: 'gpu', endpoint: null })
  const inGroup = (running: PolicyRun[]) => ({ group: 'gpu', endpoint: null, running })
  expect(decided(push, inGroup([one]), concurrency()).act).toBe('run')
  expect(decided(push, inGroup([one, two]), concurrency('skip'))).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('a-1 is running in gpu'),
  })
  expect(decided(push, inGroup([one, two]), concurrency('queue')).act).toBe('queue')
  expect(decided(push, inGroup([one, two]), concurrency('cancel_running'))).toMatchObject({
    act: 'run',
    cancels: [one],
  })
})

test('a run that will take the newest data is not queued twice', () => {
  const added = entry('dataset-version-added', { project: 'flights', path: 'data/raw', md5: 'aa' })
  const standing = {
    running: [run({})],
    waiting: [
      run({
        id: 'keep-2',
        state: 'queued',
        kind: 'data',
        order: { rev: null, set: [], variables: {} },
      }),
    ],
  }
  expect(decided(added, standing, { on: [{ data: 'data' }], cooldown: '0s' })).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('keep-2 waits for its turn'),
  })
})

test('a budget that is spent is spent for people too', () => {
  const budget = { budget: { runs: 5, per: '1d' } }
  expect(decided(push, { runsInBudget: 4 }, budget).act).toBe('run')
  expect(decided(byHand, { runsInBudget: 5 }, budget)).toMatchObject({
    act: 'skip',
    why: 'keep does nothing although ada asked for it: a try: its budget of 5 runs per 1d is spent.',
  })
})

test('after runs that did not help it rests longer and longer, up to its limit', () => {
  const restAfter = (unhelpful: number) =>
    [1, 14, 28, 56, 100].find(
      (days) =>
        decided(
          drift,
          { unhelpful, lastFinding: run({ eventMs: (100 - days) * DAY_MS }) },
          { backoff: { after: 2, max: '60d' } },
        ).act === 'run',
    )
  expect([0, 1, 2, 3, 9].map(restAfter)).toEqual([14, 14, 28, 56, 100])
})

test('policies that set each other off come to an end, and so does one that cannot be traced', () => {
  expect(decided(push, { depth: 5 }).act).toBe('run')
  expect(decided(push, { depth: 6 })).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('5 times in a row'),
  })
  expect(decided(push, { runsInLastHour: 60 })).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('60 times in the last hour'),
  })
})

test('one that is switched off does nothing by itself', () => {
  expect(decided(push, {}, { enabled: false }).act).toBe('skip')
  expect(decided(byHand, {}, { enabled: false }).act).toBe('run')
})

test('data that a pipeline has succeeded with is no reason to run again', () => {
  const data = { data: { 'data/raw': 'latest' as const } }
  expect(decided(push, { hasRunWithData: true }, data)).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('newest data/raw already'),
  })
})

test('params are told when it was due', () => {
  const tick = entry('schedule-ticked', {
    project: 'flights',
    policy: 'keep',
    cron: '@daily',
    timezone: 'Europe/Berlin',
    tick: '2026-03-28T23:00:00.000Z',
    date: '2026-03-29',
  })
  const on = [{ schedule: { cron: '@daily', timezone: 'Europe/Berlin' } }]
  const cause = causeOf(tick, { ...own, policy: { ...policy, on, set: ['day={date}'] } })
  expect(cause?.order).toMatchObject({
    set: ['day=2026-03-29'],
    variables: { ORRERY_DATE: '2026-03-29', ORRERY_TICK: '2026-03-28T23:00:00.000Z' },
  })
  expect(cause?.words).toBe('it was due at 2026-03-28 23:00 UTC (@daily, Europe/Berlin)')
})

test('a policy without a group is alone in its own', () => {
  expect(concurrencyOf({}, own)).toMatchObject({ group: 'flights/keep', limit: 1 })
  expect(concurrencyOf({ concurrency: 'gpu' }, own)).toMatchObject({ group: 'gpu', limit: 1 })
})

test('a run is made of the time of the finding, or of the newest where nothing was found', () => {
  const found = entry('drift-detected', {
    endpoint: 'late',
    window: 'late/1',
    start: '2026-03-01T00:00:00.000Z',
    end: '2026-03-02T00:00:00.000Z',
  })
  const spanOf = (what: Entry, choice: PolicyConfig['data'][string]) => {
    const data = { 'live.parquet': choice }
    const [chosen] = causeOf(what, { ...own, policy: { ...policy, data } })?.order.data ?? []
    return chosen?.kind === 'window' ? { of: chosen.endpoint, ...chosen.span } : undefined
  }
  const at = (day: number) => Date.UTC(2026, 2, day)
  expect(spanOf(found, 'window')).toEqual({ of: 'late', fromMs: at(1), toMs: at(2) })
  const week = { window: '7d', holdout: '1d', of: 'other' }
  expect(spanOf(found, week)).toEqual({ of: 'other', fromMs: at(-5), toMs: at(1) })
  expect(spanOf(push, week)).toEqual({ of: 'other', lengthMs: 7 * DAY_MS, holdoutMs: DAY_MS })
  const data = { 'live.parquet': 'window' } as const
  expect(decided(push, {}, { data })).toMatchObject({
    act: 'skip',
    why: expect.stringContaining('write { window: 7d, of: ENDPOINT }'),
  })
  expect(decided(found, {}, { data: { all: { last: 3, of: 'raw' } } }).why).toMatch(
    /^keep runs train on the last 3 versions of raw because drift/,
  )
})
