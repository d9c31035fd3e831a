import { expect, test } from 'vitest'
import type { AlertRoute } from '#projects'
import { joined, REFRESH_MS, stepOf, type Group, type Reason } from './group.ts'
import type { Silence } from './silence.ts'
import type { Trouble } from './trouble.ts'

const S = 1000
const MIN = 60 * S
const HOUR = 60 * MIN

const trouble = (id: string, more: Partial<Trouble> = {}): Trouble => ({
  id,
  key: id,
  place: id,
  project: 'p',
  endpoint: 'flights',
  kind: 'drift',
  subject: id,
  severity: 'warning',
  detail: `${id} drifted`,
  raisedMs: 0,
  clearedMs: null,
  acknowledged: null,
  position: 0,
  ...more,
})

/** A group over troubles that the test changes, told of as time goes by. */
function world(route: Partial<AlertRoute> = {}, forgetful: readonly string[] = []) {
  const troubles = new Map<string, Trouble>()
  const silences: Silence[] = []
  const told: { ms: number; reason: Reason; to: readonly string[]; news: readonly string[] }[] = []
  let group: Group = {
    id: 'g',
    key: 'g',
    project: 'p',
    route: { to: ['team'], ...route },
    labels: { endpoint: 'flights', kind: 'drift' },
    isOpen: true,
    openedMs: 0,
    members: [],
    told: [],
    firstToldMs: null,
    lastToldMs: null,
    lastRefreshedMs: null,
    destinations: [],
    escalated: 0,
    messages: 0,
    turn: null,
  }
  let nowMs = 0
  const look = () => {
    const view = { silences, nowMs, forgetful: new Set(forgetful) }
    const step = stepOf(group, [...troubles.values()], view)
    for (const { reason, to, news } of step.tellings) told.push({ ms: nowMs, reason, to, news })
    group = step.group
    return step.nextMs
  }
  /** Looks at the group whenever it asked for that, until then. */
  const until = (ms: number) => {
    for (let nextMs = look(); nextMs !== null && nextMs <= ms; nextMs = look()) {
      expect(nextMs).toBeGreaterThan(nowMs)
      nowMs = nextMs
    }
    nowMs = ms
    look()
  }
  const put = (...changed: Trouble[]) => {
    for (const each of changed) {
      troubles.set(each.id, each)
      group = joined(group, each.id, new Set())
    }
    look()
  }
  return {
    put,
    until,
    silences,
    reasons: () => told.map(({ ms, reason }) => [ms / S, reason]),
    told,
    isOpen: () => group.isOpen,
  }
}

test('thirty-seven columns that drifted together are one message', () => {
  const { put, until, told } = world()
  for (let each = 0; each < 37; each++) put(trouble(`c${each}`))
  until(HOUR)
  expect(told.map(({ reason, news }) => [reason, news.length])).toEqual([['raised', 37]])
})

test('what comes later is told once the interval is over, and what is worse at once', () => {
  const { put, until, reasons } = world()
  put(trouble('a'))
  until(20 * S)
  put(trouble('b'))
  until(10 * MIN)
  put(trouble('c', { severity: 'critical' }))
  put(trouble('d', { severity: 'critical' }))
  until(HOUR)
  expect(reasons()).toEqual([
    [10, 'raised'],
    [310, 'changed'],
    [600, 'changed'],
    [900, 'changed'],
  ])
})

test('an alert that becomes critical is news', () => {
  const { put, until, reasons } = world()
  put(trouble('a'))
  until(MIN)
  put(trouble('a', { severity: 'critical' }))
  until(HOUR)
  expect(reasons()).toEqual([
    [10, 'raised'],
    [60, 'changed'],
  ])
})

test('that all is well again is told at once, and of what came and went before anybody was told nothing', () => {
  const { put, until, reasons, isOpen } = world()
  put(trouble('a'))
  until(MIN)
  put(trouble('a', { clearedMs: 1 }))
  expect(reasons()).toEqual([
    [10, 'raised'],
    [60, 'recovered'],
  ])
  expect(isOpen()).toBe(false)

  const short = world()
  short.put(trouble('a'))
  short.put(trouble('a', { clearedMs: 1 }))
  short.until(HOUR)
  expect(short.reasons()).toEqual([])
  expect(short.isOpen()).toBe(false)
})

test('who does not answer is reminded, and others are asked in their turn', () => {
  const { put, until, told } = world({
    repeat: '4h',
    escalate: [
      { after: '15m', to: ['lead'] },
      { after: '1h', to: ['boss'] },
    ],
  })
  put(trouble('a'))
  until(5 * HOUR)
  expect(told.map(({ ms, reason, to }) => [ms / S, reason, to])).toEqual([
    [10, 'raised', ['team']],
    [910, 'escalated', ['lead']],
    [3610, 'escalated', ['boss']],
    [3610 + 4 * 3600 - 3600, 'repeated', ['team', 'lead', 'boss']],
  ])
  put(trouble('a', { clearedMs: 1 }))
  expect(told.at(-1)).toMatchObject({ reason: 'recovered', to: ['team', 'lead', 'boss'] })
})

test('who has acknowledged is not reminded, nor is anybody else asked', () => {
  const { put, until, reasons } = world({
    repeat: '1h',
    escalate: [{ after: '15m', to: ['boss'] }],
  })
  put(trouble('a'))
  until(MIN)
  put(trouble('a', { acknowledged: { by: 'me', comment: '', atMs: 0 } }))
  until(9 * HOUR)
  expect(reasons()).toEqual([
    [10, 'raised'],
    [60, 'acknowledged'],
  ])
})

test('what is silenced is not told until the silence is over, and what was told is taken back in it', () => {
  const { put, until, reasons, silences } = world({ repeat: '1h' })
  const silence = { id: 's', matchers: { subject: 'a*' }, comment: '', by: '', createdMs: 0 }
  silences.push({ ...silence, untilMs: 2 * HOUR })
  put(trouble('a1'))
  until(HOUR)
  expect(reasons()).toEqual([])
  put(trouble('b'))
  until(3 * HOUR - MIN)
  put(trouble('a1', { clearedMs: 1 }), trouble('b', { clearedMs: 1 }))
  expect(reasons()).toEqual([
    [3600, 'raised'],
    [7200, 'changed'],
    [3 * 3600 - 60, 'recovered'],
  ])

  const again = world({ wait: '0s' })
  again.put(trouble('a1'))
  again.silences.push({ ...silence, untilMs: 2 * HOUR })
  again.until(HOUR)
  again.put(trouble('a1', { clearedMs: 1 }))
  expect(again.reasons()).toEqual([
    [0, 'raised'],
    [3600, 'recovered'],
  ])
})

test('receivers that forget are told again and again, and nobody else is', () => {
  const { put, until, told } = world({ to: ['team', 'hub'], wait: '0s' }, ['hub'])
  put(trouble('a', { acknowledged: { by: 'me', comment: '', atMs: 0 } }))
  until(2 * REFRESH_MS)
  expect(told.map(({ reason, to }) => [reason, to])).toEqual([
    ['raised', ['team', 'hub']],
    ['refreshed', ['hub']],
    ['refreshed', ['hub']],
  ])
})
