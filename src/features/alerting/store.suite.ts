import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { Group } from './group.ts'
import type { Silence } from './silence.ts'
import type { AlertingReads, AlertingWrites } from './store.ts'
import type { Trouble } from './trouble.ts'

export interface AlertingStore {
  readonly read: AlertingReads
  readonly transact: Transact<{ alerting: AlertingWrites }>
}

const trouble = (id: string, more: Partial<Trouble> = {}): Trouble => ({
  id,
  key: `key of ${id}`,
  place: id,
  project: 'p',
  endpoint: 'e',
  kind: 'drift',
  subject: 'é\n"',
  severity: 'warning',
  detail: '',
  raisedMs: 1,
  clearedMs: null,
  acknowledged: null,
  position: 2 ** 40,
  ...more,
})

const group = (id: string, more: Partial<Group> = {}): Group => ({
  id,
  key: `key of ${id}`,
  project: 'p',
  route: { to: ['a'] },
  labels: {},
  isOpen: true,
  openedMs: 1,
  members: ['a'],
  told: [],
  firstToldMs: null,
  lastToldMs: null,
  lastRefreshedMs: null,
  destinations: [],
  escalated: 0,
  messages: 0,
  turn: null,
  ...more,
})

const silence = (id: string, untilMs: number): Silence => ({
  id,
  matchers: { kind: ['drift', 'quality'], endpoint: 'e*' },
  comment: 'é',
  by: 'me',
  createdMs: 1,
  untilMs,
})

/** The laws of every store of alerts that are told. */
export function alertingStoreSuite(openStore: () => Promise<AlertingStore>) {
  const ids = (all: readonly { id: string }[]) => all.map(({ id }) => id)

  test('a trouble comes back as it was saved last, and only while it is open by what it is about', async () => {
    const { read, transact } = await openStore()
    await transact(async ({ alerting }) => {
      await alerting.saveTrouble(trouble('a', { detail: 'old' }))
      await alerting.saveTrouble(trouble('a'))
      await alerting.saveTrouble(trouble('b', { key: 'same', clearedMs: 2 }))
      await alerting.saveTrouble(trouble('c', { key: 'same', endpoint: 'f', kind: 'rollout' }))
    })
    expect(await read.findTrouble('a')).toEqual(trouble('a'))
    expect(await read.findTrouble('x')).toBeUndefined()
    expect((await read.openTrouble('same'))?.id).toBe('c')
    expect(await read.openTrouble('other')).toBeUndefined()
    expect(ids(await read.troublesOf(['c', 'a', 'x'])).toSorted()).toEqual(['a', 'c'])
    expect(await read.troublesOf([])).toEqual([])
    expect(ids(await read.troubles({ limit: 2 }))).toEqual(['c', 'b'])
    expect(ids(await read.troubles({ limit: 2, before: 'b' }))).toEqual(['a'])
    expect(ids(await read.troubles({ limit: 9, open: true }))).toEqual(['c', 'a'])
    expect(ids(await read.troubles({ limit: 9, open: false }))).toEqual(['b'])
    expect(ids(await read.troubles({ limit: 9, endpoint: 'f', kind: 'rollout' }))).toEqual(['c'])
    expect(ids(await read.troubles({ limit: 9, project: 'q' }))).toEqual([])
    const unknown = { limit: 9, endpoint: 'f', unknown: 'a', body: 'a' }
    expect(ids(await read.troubles(unknown))).toEqual(['c'])
  })

  test('of the groups of a key one is open', async () => {
    const { read, transact } = await openStore()
    const over = group('a', { key: 'k', isOpen: false })
    await transact(async ({ alerting }) => {
      await alerting.saveGroup(group('a', { key: 'k' }))
      await alerting.saveGroup(over)
      await alerting.saveGroup(group('b', { key: 'k' }))
      await alerting.saveGroup(group('c'))
    })
    expect(await read.findGroup('a')).toEqual(over)
    expect((await read.openGroup('k'))?.id).toBe('b')
    expect(ids(await read.openGroups())).toEqual(['b', 'c'])
  })

  test('silences that go on are told from those that are over', async () => {
    const { read, transact } = await openStore()
    await transact(async ({ alerting }) => {
      for (const [id, untilMs] of [
        ['a', 50],
        ['b', 9],
        ['c', 70],
      ] as const)
        await alerting.saveSilence(silence(id, untilMs))
      await alerting.saveSilence(silence('c', 60))
    })
    expect(await read.findSilence('c')).toEqual(silence('c', 60))
    expect(ids(await read.silencesAfter(50))).toEqual(['c'])
    expect(ids(await read.silences({ limit: 2 }))).toEqual(['c', 'b'])
    expect(ids(await read.silences({ limit: 2, before: 'b' }))).toEqual(['a'])
  })
}
