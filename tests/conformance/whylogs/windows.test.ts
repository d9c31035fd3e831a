import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askingOf } from '../../support/asking.ts'
import { runCommand } from '../../support/command.ts'
import { dataProject, type DataProject } from '../../support/data-project.ts'
import { monitorsBin } from '../../support/python.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

// What the real whylogs has profiled elsewhere is judged as the rows themselves are.

let folder: string
let project: DataProject
let server: TestServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-profiles-'))
  const make = join(import.meta.dirname, 'days.py')
  execFileSync(join(monitorsBin(), 'python'), [make, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  project = await dataProject('project: credit\n')
  for (const name of ['usual.csv', 'usual.bin'])
    copyFileSync(join(folder, name), join(project.origin, name))
  await project.commitTable('data/other.parquet', 'select 1 as x', { message: 'Usual' })
  server = await startTestServer()
  await ask('POST', '/projects', { origin: project.origin })
  const roles = { project: 'credit', outputs: 'probability' }
  await declare('as-rows', { ...roles, data: 'usual.csv', id: 'request', time: 'at' })
  await declare('as-profiles', { ...roles, data: 'usual.csv', id: 'request', time: 'at' })
  await declare('by-profile', { ...roles, data: 'usual.bin' })
}, 300_000)
afterAll(async () => {
  await server.stop()
  await project.remove()
  rmSync(folder, { recursive: true, force: true })
})

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ask = askingOf(() => server.url)
const orrery = (...args: string[]) => runCommand(folder, [...args, '--url', server.url])

const declare = (name: string, reference: object, more: object = {}) =>
  ask('POST', '/endpoints', {
    name,
    elsewhere: true,
    monitor: {
      settle: '1h',
      reference,
      drift: { alert_share: 0.3, persistence: { windows: 2, of: 2 } },
      performance: { metric: 'roc_auc', min: 0.6 },
      ...more,
    },
  })

interface Found {
  predictions: number
  profiled?: number
  traffic: { state: string }
  drift: {
    state: string
    drifted: string[]
    prediction: { state: string; effect: number }
    features: { feature: string; effect: number }[]
  }
  quality: { state: string; reason: string }
  performance: { state: string; reason: string } | null
}

async function windowsOf(endpoint: string, count: number): Promise<Found[]> {
  await ask('POST', `/endpoints/${endpoint}/watermark`, { time: START + (count + 1) * DAY })
  let found: Found[] = []
  const settled = async () => {
    found = (await ask<{ windows: Found[] }>('GET', `/endpoints/${endpoint}/windows`)).windows
    return found.filter(({ performance }) => performance !== null).length
  }
  await expect.poll(settled, { timeout: 30_000 }).toBe(count)
  return found.toReversed().slice(0, count)
}

async function importDays(endpoint: string, ending: 'bin' | 'csv', days: readonly number[]) {
  const roles = { bin: ['--span', '1d'], csv: ['--id', 'request', '--time', 'at'] }[ending]
  const told: unknown[] = []
  for (const day of days) {
    const command = [
      'monitor',
      'import',
      endpoint,
      `day${day}.${ending}`,
      '--outputs',
      'probability',
    ]
    const said = await orrery(...command, '--model-version', 'gbm-7', '--json', ...roles)
    if (said.code !== 0) throw new Error(`${said.out}${said.err}`)
    told.push(JSON.parse(said.out))
  }
  return told
}

const DAYS = [0, 1, 2, 3]

test('days of profiles are judged as the rows that they are of, and say what they cannot', async () => {
  await importDays('as-rows', 'csv', DAYS)
  const told = await importDays('as-profiles', 'bin', DAYS)
  expect(told).toEqual(DAYS.map(() => ({ endpoint: 'as-profiles', accepted: 800, unchanged: 0 })))
  const rows = await windowsOf('as-rows', 4)
  const profiles = await windowsOf('as-profiles', 4)
  expect(profiles.map(({ drift }) => drift.drifted)).toEqual([[], [], ['amount'], ['amount']])
  for (const [day, window] of profiles.entries()) {
    const twin = rows[day] as Found
    expect(window).toMatchObject({ predictions: 800, profiled: 800, traffic: { state: 'asked' } })
    expect(twin.profiled).toBeUndefined()
    expect(window.drift.drifted).toEqual(twin.drift.drifted)
    expect(window.drift.prediction.state).toBe(twin.drift.prediction.state)
    for (const { feature, effect } of window.drift.features) {
      const theirs = twin.drift.features.find((each) => each.feature === feature)
      expect(Math.abs(effect - (theirs?.effect ?? Infinity))).toBeLessThan(0.02)
    }
    const alone = expect.stringContaining(
      'its 800 predictions are known by profiles alone',
    ) as string
    expect(window.quality).toEqual({ state: 'skipped', reason: alone })
    expect(window.performance).toMatchObject({ state: 'too-few', reason: alone })
  }
  const alerts = await ask<{ alerts: { kind: string }[] }>('GET', '/alerts?endpoint=as-profiles')
  expect(alerts.alerts.map(({ kind }) => kind)).toEqual(['drift'])
})

test('the same profile counts once, and is not taken for something else', async () => {
  expect(await importDays('as-profiles', 'bin', [0])).toEqual([
    { endpoint: 'as-profiles', accepted: 0, unchanged: 800 },
  ])
  const other = ['monitor', 'import', 'as-profiles', 'day0.bin', '--outputs', 'amount']
  expect((await orrery(...other)).err).toMatch(/told before as something else/)
  expect((await windowsOf('as-profiles', 4))[0]).toMatchObject({ predictions: 800 })
})

test('a profile is a reference, too', async () => {
  await importDays('by-profile', 'bin', DAYS)
  const found = await windowsOf('by-profile', 4)
  expect(found.map(({ drift }) => drift.drifted)).toEqual([[], [], ['amount'], ['amount']])
  expect(found[3]?.drift.prediction.state).toBe('drifted')
})

test('a profile beside rows of the same hours counts with them', async () => {
  await declare('both', { project: 'credit', data: 'usual.csv', outputs: 'probability' })
  await importDays('both', 'csv', [0])
  await importDays('both', 'bin', [1])
  const profile = readFileSync(join(folder, 'day2.bin')).toString('base64')
  const body = { profile, outputs: ['probability'], time: '2026-01-05T03:00:00Z' }
  await ask('POST', '/endpoints/both/profiles', { ...body, modelVersion: 'gbm-7' })
  const [mixed, alone] = await windowsOf('both', 2)
  expect(mixed).toMatchObject({ predictions: 1600, profiled: 800, quality: { state: 'judged' } })
  expect(alone).toMatchObject({ predictions: 800, profiled: 800 })
})

test('what cannot be taken in is refused, with what to do', async () => {
  const importing = async (endpoint: string, file: string, ...more: string[]) =>
    (await orrery('monitor', 'import', endpoint, file, '--outputs', 'probability', ...more)).err
  writeFileSync(join(folder, 'half.bin'), readFileSync(join(folder, 'day0.bin')).subarray(0, 900))
  expect(await importing('as-profiles', 'half.bin')).toMatch(/ends in its middle or is no profile/)
  expect(await importing('as-profiles', 'day0.bin', '--label', 'late')).toMatch(
    /no column late; it has/,
  )
  expect(await importing('as-profiles', 'day0.bin', '--span', '7d')).toMatch(
    /longer than the windows of as-profiles \(1d\)/,
  )
  expect(await importing('as-profiles', 'day0.bin', '--from', '2126-01-01')).toMatch(
    /in the future/,
  )
  expect(await importing('nowhere', 'day0.bin')).toMatch(/there is no endpoint nowhere/)
  expect(await importing('as-rows', 'day0.csv', '--span', '1d')).toMatch(/are of profiles/)
  await declare('counted', 'training' as never, { window: { count: 100 } })
  expect(await importing('counted', 'day0.bin')).toMatch(/cut by its predictions/)
})
