import { expect, test } from 'vitest'
import { transitions } from './alerts.ts'
import type { Alert, Condition } from './findings.ts'
import type { Severity } from './severity.ts'
import type { MonitoringWrites } from '../store.ts'
import type { Window } from '../windows/window.ts'

test('one alert of each subject is open at a time, and each is cleared by itself', async () => {
  const { tell, open } = given()
  expect(await tell(1, [holds('x'), holds('y'), holds('')])).toEqual([
    'alert-raised x',
    'alert-raised y',
    'alert-raised ',
  ])
  expect(await tell(2, [holds('x'), over('y'), { state: 'open', subject: '' }])).toEqual([
    'alert-cleared y',
  ])
  expect(open().map(({ id }) => id)).toEqual([
    'drift/e/1970-01-01T00:00:00.001Z/x',
    'drift/e/1970-01-01T00:00:00.001Z',
  ])
})

test('an open alert becomes severer once, and never milder', async () => {
  const { tell, open } = given()
  await tell(1, [holds('')])
  expect(await tell(2, [holds('', 'critical')])).toEqual(['alert-worsened '])
  expect(await tell(3, [holds('', 'critical')])).toEqual([])
  expect(await tell(4, [holds('', 'warning')])).toEqual([])
  expect(open()).toMatchObject([{ severity: 'critical', raisedMs: 101 }])
})

test('an alert on what is no longer watched is cleared and says so', async () => {
  const { tell, open, all } = given()
  await tell(1, [holds('x'), holds('y')])
  expect(await tell(2, [holds('x')])).toEqual(['alert-cleared y'])
  expect(open()).toHaveLength(1)
  expect(all().find(({ subject }) => subject === 'y')).toMatchObject({
    clearedWindowMs: 2,
    detail: 'so it is; no longer watched',
  })
})

test('what was over and comes back is a new alert', async () => {
  const { tell, all } = given()
  await tell(1, [holds('x')])
  await tell(2, [over('x')])
  await tell(3, [holds('x')])
  expect(all().map(({ clearedMs }) => clearedMs)).toEqual([102, null])
})

function holds(subject: string, severity: Severity = 'warning'): Condition {
  return { state: 'holds', subject, severity, detail: 'so it is' }
}

function over(subject: string): Condition {
  return { state: 'over', subject }
}

function given() {
  const alerts = new Map<string, Alert>()
  const open = () => [...alerts.values()].filter(({ clearedMs }) => clearedMs === null)
  const monitoring = {
    openAlerts: async () => open(),
    saveAlert: async (alert: Alert) => void alerts.set(alert.id, alert),
  } as unknown as MonitoringWrites
  const tell = async (startMs: number, conditions: Condition[]) => {
    const window = { endpoint: 'e', startMs, modelVersion: 'm/1' } as Window
    const task = { due: 'closed', startMs, endMs: startMs + 1, dueMs: startMs + 100 } as const
    const facts = await transitions(monitoring, { kind: 'drift' }, conditions, { window, task })
    return facts.map(({ type, data }) => `${type} ${data['subject'] as string}`)
  }
  return { tell, open, all: () => [...alerts.values()] }
}
