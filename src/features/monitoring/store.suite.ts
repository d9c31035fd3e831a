import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { Alert } from './alerts/findings.ts'
import type { Reference } from './store.ts'
import type { MonitoringReads, MonitoringWrites } from './store.ts'
import type { Window } from './windows/window.ts'

export interface MonitoringStore {
  readonly read: MonitoringReads
  readonly transact: Transact<{ monitoring: MonitoringWrites }>
}

/** The laws of every store of windows, alerts and references. */
export function monitoringStoreSuite(openStore: () => Promise<MonitoringStore>) {
  test('a window is kept once, as it was saved last', async () => {
    const { read, transact } = await openStore()
    const settled: Window = {
      ...windowAt(2),
      performance: { state: 'too-few', reason: 'none', labels: 0 },
    }
    await transact(async ({ monitoring }) => {
      for (const window of [windowAt(1), windowAt(2), settled, windowAt(3)])
        await monitoring.saveWindow(window)
      await monitoring.saveWindow({ ...windowAt(2), endpoint: 'other' })
    })
    expect(await read.findWindow('e', 2)).toEqual(settled)
    expect(await read.findWindow('e', 4)).toBeUndefined()
    expect((await read.windows('e', { limit: 9 })).map((each) => each.startMs)).toEqual([3, 2, 1])
    expect(
      (await read.windows('e', { limit: 1, beforeMs: 3 })).map((each) => each.startMs),
    ).toEqual([2])
    const counted = { predictions: 5, labels: 2, replaced: 0 }
    await transact(({ monitoring }) => monitoring.saveWindow({ ...windowAt(2), counted }))
    const { endMs } = windowAt(2)
    const known = [
      { startMs: 3, endMs: windowAt(3).endMs, counted: null },
      { startMs: 2, endMs, counted },
    ]
    expect(await read.lastKnown('e', 2)).toEqual(known)
    expect(await read.knownWindows('e', { fromMs: 2, toMs: 3 })).toEqual(known.slice(1))
  })

  test('progress is nothing at first and then as saved', async () => {
    const { read, transact } = await openStore()
    expect(await read.progress('e')).toEqual({ closedMs: null, settledMs: null })
    await transact(({ monitoring }) =>
      monitoring.saveProgress('e', { closedMs: 7, settledMs: null }),
    )
    await transact(({ monitoring }) => monitoring.saveProgress('e', { closedMs: 8, settledMs: 5 }))
    expect(await read.progress('e')).toEqual({ closedMs: 8, settledMs: 5 })
    expect(await read.progress('f')).toEqual({ closedMs: null, settledMs: null })
  })

  test('an alert is open until it is cleared, of one kind at one endpoint', async () => {
    const { read, transact } = await openStore()
    await transact(({ monitoring }) => monitoring.saveAlert(alertAt(1)))
    expect(await read.openAlerts('e', 'drift')).toEqual([alertAt(1)])
    expect(await read.openAlerts('e', 'performance')).toEqual([])
    expect(await read.openAlerts('f', 'drift')).toEqual([])
    const other = { ...alertAt(2), subject: 'x' }
    await transact(({ monitoring }) => monitoring.saveAlert(other))
    expect(await read.openAlerts('e', 'drift')).toEqual([alertAt(1), other])
    const cleared = { ...alertAt(1), clearedWindowMs: 4, clearedMs: 5 }
    await transact(({ monitoring }) => monitoring.saveAlert(cleared))
    expect(await read.openAlerts('e', 'drift')).toEqual([other])
    expect(await read.alerts({ limit: 9 })).toEqual([other, cleared])
  })

  test('alerts page from the last raised on, also where several were raised at once', async () => {
    const { read, transact } = await openStore()
    await transact(async ({ monitoring }) => {
      for (const raisedMs of [1, 2, 2, 3])
        await monitoring.saveAlert({
          ...alertAt(raisedMs),
          id: `${raisedMs}-${(await monitoring.alerts({ limit: 99 })).length}`,
        })
      await monitoring.saveAlert({ ...alertAt(9), endpoint: 'f', clearedMs: 10 })
    })
    const seen: string[] = []
    for (let page = await read.alerts({ endpoint: 'e', limit: 2 }); page.length > 0;) {
      seen.push(...page.map(({ id }) => id))
      page = await read.alerts({ endpoint: 'e', limit: 2, before: seen.at(-1) as string })
    }
    expect(seen).toEqual(['3-3', '2-2', '2-1', '1-0'])
    expect(await read.alerts({ open: false, limit: 9 })).toHaveLength(1)
    expect(await read.alerts({ open: true, limit: 9 })).toHaveLength(4)
  })

  test('an alert is found by its id, with the causes that were found later', async () => {
    const { read, transact } = await openStore()
    const alert = alertAt(1)
    await transact(({ monitoring }) => monitoring.saveAlert(alert))
    const since = { fromMs: 1, toMs: 2, predictions: 3 }
    const causes = { before: null, since, change: null, ranked: [], notes: ['none'] }
    await transact(({ monitoring }) => monitoring.saveAlert({ ...alert, causes }))
    expect(await read.findAlert(alert.id)).toEqual({ ...alert, causes })
    expect(await read.findAlert('nothing')).toBeUndefined()
  })

  test('a reference is found by its key', async () => {
    const { read, transact } = await openStore()
    const reference: Reference = {
      modelVersion: 'm/1',
      profile: { version: 1, rows: 0, time: null, columns: {} },
      prediction: null,
      trainedUntilMs: 3,
    }
    await transact(({ monitoring }) => monitoring.saveReference('k', reference))
    expect(await read.findReference('k')).toEqual(reference)
    expect(await read.findReference('l')).toBeUndefined()
  })
}

function windowAt(startMs: number): Window {
  return {
    endpoint: 'e',
    startMs,
    endMs: startMs + 1,
    modelVersion: 'm/1',
    predictions: 5,
    drift: { state: 'skipped', reason: 'test' },
    performance: null,
  }
}

function alertAt(raisedMs: number): Alert {
  return {
    id: `alert-${raisedMs}`,
    endpoint: 'e',
    kind: 'drift',
    subject: '',
    severity: 'warning',
    detail: 'test',
    raisedWindowMs: raisedMs,
    raisedMs,
    clearedWindowMs: null,
    clearedMs: null,
  }
}
