import { expect, test } from 'vitest'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { alertFollower, createAlerting, tellHandler, type Teller } from '#alerting'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { platformActor, type Fact } from '#ledger'
import type { AlertsConfig, Project, Projects } from '#projects'
import { alertingStoreSuite } from '#suites/alerting'

const MIN = 60_000
const HOUR = 60 * MIN
const USER = { kind: 'user', id: 'ann' } as const
const NEVER = new AbortController().signal

const plain: Teller = { bodyOf: ({ title }) => title }

const projectOf = (alerts: AlertsConfig): Project => ({
  name: 'p',
  origin: '/p',
  branch: 'main',
  commit: 'a',
  data: [],
  syncedMs: 0,
  config: {
    project: 'p',
    models: {},
    endpoints: { flights: { model: 'models:/m@a', shadows: [] } },
    policies: {},
    alerts,
  },
})

const ALERTS: AlertsConfig = {
  destinations: { team: { slack: { url: 's' } }, boss: { slack: { url: 's' } } },
  routes: [
    { match: { severity: 'critical' }, to: ['boss'], continue: true },
    { match: { kind: ['drift', 'rollout', 'policy', 'performance'] }, to: ['team'] },
  ],
}

eachSqlStore((_, open) => {
  alertingStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.alerting, transact }
  })

  /** Alerts over a store, with a clock that goes from job to job. */
  async function openWorld(alerts = ALERTS) {
    const clock = manualClock()
    const ids = countedIds()
    const { read, transact } = await open({ clock, ids })
    const projects = { list: read.projects.list, get: async () => projectOf(alerts) }
    const alerting = createAlerting({
      read: read.alerting,
      webhookReads: read.webhooks,
      webhooks: { test: async () => Promise.reject(new Error('not here')) },
      projects: projects as unknown as Projects,
      transact,
      clock,
      ids,
    })
    const follower = alertFollower({ clock, ids })
    const handler = tellHandler({ transact, tellers: { 'alert-slack': plain }, clock, ids })
    const happen = (...facts: Fact[]) =>
      transact(async (tx) => {
        for (const position of await tx.ledger.append(platformActor('test'), facts)) {
          const entry = await tx.ledger.find(position)
          if (entry !== undefined) await follower.follow(entry, tx)
        }
      })
    const lease = () =>
      transact(({ work }) => {
        const nowMs = clock.nowMs()
        return work.lease({ kinds: [handler.kind], owner: 'me', nowMs, untilMs: nowMs + 9 * HOUR })
      })
    const pass = async (ms: number) => {
      for (const endMs = clock.nowMs() + ms; ;) {
        for (let job = await lease(); job !== undefined; job = await lease()) {
          await handler.run(job, NEVER)
          // Done a second time it does nothing.
          await handler.run(job, NEVER)
          const { id } = job
          await transact(({ work }) => work.complete(id, 'me'))
        }
        const due = (await read.work.open()).filter(({ kind }) => kind === handler.kind)
        const nextMs = Math.min(...due.map((job) => job.runAfterMs))
        if (nextMs > endMs) return clock.advance(endMs - clock.nowMs())
        clock.advance(Math.max(1, nextMs - clock.nowMs()))
      }
    }
    const sent = async (name: string) =>
      (await read.webhooks.deliveries({ webhook: `alerts/p/${name}`, limit: 50 }))
        .map(({ body }) => body)
        .toReversed()
    const keep = (project: Project) =>
      transact(async (tx) => {
        await tx.projects.save(project)
      })
    await keep(projectOf(alerts))
    return { read, alerting, clock, happen, pass, sent, keep }
  }

  const raised = (alert: string, more: Record<string, string> = {}): Fact => ({
    type: 'alert-raised',
    data: { alert, endpoint: 'flights', kind: 'drift', subject: alert, detail: 'drifted', ...more },
  })
  const cleared = (alert: string): Fact => ({ type: 'alert-cleared', data: { alert } })

  test('routes say who hears of what, and everybody who did hears that it is over', async () => {
    const { happen, pass, sent, read } = await openWorld()
    await happen(
      raised('a'),
      raised('b', { severity: 'critical' }),
      raised('c', { kind: 'quality' }),
    )
    await pass(MIN)
    expect(await sent('team')).toEqual(['2 alerts of drift on flights: b, a'])
    expect(await sent('boss')).toEqual(['drift of b on flights: drifted'])
    await happen(cleared('b'), cleared('a'), cleared('nobody'))
    await pass(MIN)
    expect((await sent('team')).slice(1)).toEqual(['Over: 2 alerts of drift on flights: b, a'])
    expect((await sent('boss')).slice(1)).toEqual(['Over: drift of b on flights: drifted'])
    expect(await read.alerting.openGroups()).toEqual([])
  })

  test('what a person acknowledges stands in the ledger and ends reminders, until it is worse', async () => {
    const { happen, pass, sent, alerting, read } = await openWorld()
    await happen(raised('a'))
    await pass(MIN)
    await alerting.acknowledge(USER, 'a', 'looking')
    await alerting.acknowledge(USER, 'a', 'again')
    await pass(48 * HOUR)
    expect((await sent('team')).slice(1)).toEqual(['Acknowledged: drift of a on flights: drifted'])
    const heard = await read.ledger.list({ after: -1, limit: 9, types: ['alert-acknowledged'] })
    expect(heard.map(({ actor, data }) => [actor.id, data['comment']])).toEqual([
      ['ann', 'looking'],
    ])
    await happen({ ...raised('a', { severity: 'critical' }), type: 'alert-worsened' })
    await pass(MIN)
    expect(await sent('team')).toHaveLength(3)
    expect((await alerting.get('a')).trouble).toMatchObject({
      severity: 'critical',
      acknowledged: null,
    })
    await happen(cleared('a'))
    await expect(alerting.acknowledge(USER, 'a', '')).rejects.toThrow('the alert a is over')
    await expect(alerting.acknowledge(USER, 'x', '')).rejects.toThrow('there is no alert x')
  })

  test('a silence holds back what it fits until it ends or is ended', async () => {
    const { happen, pass, sent, alerting, clock } = await openWorld()
    const given = { matchers: { subject: 'a*' }, comment: 'known', untilMs: clock.nowMs() + HOUR }
    const { id } = await alerting.silence(USER, given)
    await happen(raised('a1'))
    await pass(30 * MIN)
    expect(await sent('team')).toEqual([])
    expect(await alerting.list({ limit: 9 })).toMatchObject([{ silencedUntilMs: given.untilMs }])
    await alerting.endSilence(USER, id)
    await pass(MIN)
    expect(await sent('team')).toHaveLength(1)
    await expect(
      alerting.silence(USER, { ...given, matchers: {}, untilMs: clock.nowMs() + HOUR }),
    ).rejects.toThrow('of what')
    await expect(alerting.silence(USER, { ...given, untilMs: 1 })).rejects.toThrow('over already')
  })

  test('rollouts that were rolled back and policies whose run failed are alerts too, until one succeeds', async () => {
    const { happen, pass, sent, alerting } = await openWorld()
    const rollout = { endpoint: 'flights', rollout: 'r', reason: 'errors' }
    const run = { project: 'p', policy: 'fresh', endpoint: 'flights', reason: 'no room' }
    await happen(
      { type: 'rollout-rolled-back', data: rollout },
      { type: 'policy-run-finished', data: { ...run, outcome: 'failed' } },
      { type: 'policy-run-finished', data: { ...run, outcome: 'failed' } },
      { type: 'policy-run-finished', data: { ...run, outcome: 'cancelled' } },
    )
    await pass(MIN)
    expect((await sent('team')).toSorted()).toEqual([
      'policy of fresh on flights: the run of the policy fresh failed: no room',
      'rollout on flights: rolled back: errors',
    ])
    await happen(
      { type: 'rollout-completed', data: { endpoint: 'flights' } },
      { type: 'policy-run-finished', data: { ...run, outcome: 'succeeded' } },
    )
    await pass(MIN)
    expect(await sent('team')).toHaveLength(4)
    expect(await alerting.list({ limit: 9, open: true })).toEqual([])
  })

  test('routes that are written later tell what is open, and what has no destination any more is let go', async () => {
    const { happen, pass, sent, keep, read } = await openWorld({ destinations: {} })
    await happen(raised('a'))
    await pass(MIN)
    expect(await read.alerting.openGroups()).toEqual([])
    await keep(projectOf(ALERTS))
    const synced: Fact = { type: 'project-synced', data: { project: 'p' } }
    await happen(synced)
    await pass(MIN)
    expect(await sent('team')).toHaveLength(1)
    await happen(synced)
    await pass(MIN)
    expect(await sent('team')).toHaveLength(1)
    await keep(projectOf({ destinations: {} }))
    await happen(synced)
    expect(await sent('team')).toEqual([])
    expect(await read.webhooks.enabled()).toEqual([])
  })
})
