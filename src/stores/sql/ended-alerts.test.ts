import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { alertFollower } from '#alerting'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { platformActor, startFollowers, type Fact, type Follower } from '#ledger'
import { endAlerts, type Alert } from '#monitoring'
import type { Writes } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

const NOW_MS = 1_000_000
const TEST = platformActor('test')

eachSqlStore((_, open) => {
  const undo: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0)) await step()
  })

  /** Two endpoints with two alerts each, of which people were told. */
  async function openWorld() {
    const world = { clock: manualClock(NOW_MS), ids: countedIds() }
    const { read, transact, onGrowth } = await open(world)
    const declare = (name: string) =>
      transact(({ serving }) =>
        serving.declare(
          { name, project: '', model: 'models:/m/1', shadows: [], monitor: null },
          NOW_MS,
        ),
      )
    const alerts = ['gone', 'stays'].flatMap((endpoint) => [
      alertOf(endpoint, { kind: 'drift', raisedMs: 5 }),
      alertOf(endpoint, { kind: 'labels', raisedMs: NOW_MS + 5 }),
    ])
    await declare('gone')
    await declare('stays')
    await transact(async ({ monitoring, ledger }) => {
      for (const alert of alerts) await monitoring.saveAlert(alert)
      await ledger.append(TEST, [
        ...alerts.map(raised),
        ...['gone', 'stays'].map((endpoint): Fact => ({
          type: 'rollout-failed',
          data: { endpoint, reason: 'broken' },
        })),
      ])
    })
    const follow = async () => {
      const followers: Follower<Writes>[] = [endAlerts, alertFollower(world)]
      const { settled, stop } = startFollowers({
        followers,
        read: read.ledger,
        transact,
        onGrowth,
        logger: pino({ level: 'silent' }),
      })
      undo.push(stop)
      await settled()
      // What the one has told is there for the other.
      await settled()
    }
    const remove = (endpoint: string) =>
      transact(async ({ serving, ledger }) => {
        await serving.remove(endpoint)
        await ledger.append(TEST, [{ type: 'endpoint-removed', data: { endpoint } }])
      })
    const openOnes = async () => ({
      monitors: (await read.monitoring.alerts({ open: true, limit: 9 })).map(({ id }) => id),
      people: (await read.alerting.troubles({ open: true, limit: 9 }))
        .map(({ endpoint, kind }) => `${kind}/${endpoint}`)
        .toSorted(),
    })
    return { read, declare, follow, remove, openOnes }
  }

  test('the alerts of an endpoint end with it, for its monitors and for whoever is told, and no others', async () => {
    const { read, follow, remove, openOnes } = await openWorld()
    await remove('gone')
    await follow()
    expect(await openOnes()).toEqual({
      monitors: ['labels/stays', 'drift/stays'],
      people: ['drift/stays', 'labels/stays', 'rollout/stays'],
    })
    const cleared = await read.ledger.list({ after: -1, limit: 9, types: ['alert-cleared'] })
    expect(cleared.map(({ data, eventMs }) => [data['alert'], eventMs])).toEqual([
      ['drift/gone', NOW_MS],
      // Not before it was raised, though the clock of the data is ahead.
      ['labels/gone', NOW_MS + 5],
    ])
    expect(await read.monitoring.findAlert('drift/gone')).toMatchObject({
      clearedMs: NOW_MS,
      clearedWindowMs: 3,
      detail: 'so it is; its endpoint was removed',
    })
  })

  test('an endpoint that was made again meanwhile has monitors that look after its alerts', async () => {
    const { declare, follow, remove, openOnes } = await openWorld()
    await remove('gone')
    await declare('gone')
    await follow()
    expect((await openOnes()).monitors).toHaveLength(4)
  })
})

function alertOf(
  endpoint: string,
  { kind, raisedMs }: { kind: 'drift' | 'labels'; raisedMs: number },
): Alert {
  return {
    id: `${kind}/${endpoint}`,
    endpoint,
    kind,
    subject: '',
    severity: 'warning',
    detail: 'so it is',
    raisedWindowMs: 3,
    raisedMs,
    clearedWindowMs: null,
    clearedMs: null,
  }
}

function raised({ id, endpoint, kind, subject, detail }: Alert): Fact {
  return { type: 'alert-raised', data: { alert: id, endpoint, kind, subject, detail } }
}
