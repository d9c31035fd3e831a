import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { askingOf } from '../support/asking.ts'
import { dataProject, type DataProject } from '../support/data-project.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A model that nobody trained here is watched against data that the project names: a file, or a version of a dataset.

let project: DataProject
let server: TestServer
let v1: string
beforeAll(async () => {
  project = await dataProject('project: credit\n')
  server = await startTestServer()
  writeFileSync(join(project.origin, 'usual.csv'), csvOf(2000, ''))
  writeFileSync(join(project.origin, 'empty.csv'), 'request,amount,country,late,probability\n')
  writeFileSync(join(project.origin, 'notes.txt'), 'no rows\n')
  v1 = await project.commitTable('data/usual.parquet', selectOf(''), { message: 'Usual' })
  git('tag', 'v1')
  const v2 = selectOf('50 + ')
  await project.commitTable('data/usual.parquet', v2, { message: 'Later' })
  await project.commitTable('data/lost.parquet', selectOf('1 + '), {
    message: 'Not pushed',
    pushed: false,
  })
  writeFileSync(join(project.origin, 'orrery.yaml'), configOf(REFERENCES(v1)))
  git('add', '.')
  git('commit', '--quiet', '--message', 'Watch')
  await ask('POST', '/projects', { origin: project.origin })
  // Endpoints are declared right after their project is known.
  await vi.waitFor(() => ask('GET', '/endpoints/no-table'), 10_000)
})
afterAll(async () => {
  await server.stop()
  await project.remove()
})

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ask = askingOf(() => server.url)
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
    cwd: project.origin,
  })

const ROLES = { outputs: 'probability', label: 'late', id: 'request' }
const REFERENCES = (md5: string): Record<string, object> => ({
  'by-file': { data: './usual.csv', ...ROLES },
  'by-version': { data: `data/usual.parquet@${md5}`, ...ROLES },
  'by-tag': { data: 'data/usual.parquet@v1', ...ROLES },
  newest: { data: 'data/usual.parquet', ...ROLES },
  nowhere: { data: 'data/usualy.parquet', ...ROLES },
  outside: { data: '../usual.csv', ...ROLES },
  'no-such-tag': { data: 'data/usual.parquet@v7', ...ROLES },
  unpushed: { data: 'data/lost.parquet', ...ROLES },
  'no-column': { data: 'usual.csv', outputs: 'chance' },
  'no-rows': { data: 'empty.csv', ...ROLES },
  'no-table': { data: 'notes.txt' },
})

function configOf(references: Record<string, object>): string {
  const endpoints = Object.entries(references).map(([name, reference]) => [
    name,
    {
      elsewhere: true,
      monitor: {
        settle: '1h',
        min_samples: 50,
        reference,
        drift: { alert_share: 0.3, persistence: { windows: 1, of: 1 } },
      },
    },
  ])
  // JSON is YAML.
  return JSON.stringify({ project: 'credit', endpoints: Object.fromEntries(endpoints) as object })
}

const amountAt = (at: number) => (at * 7919) % 101
const countryAt = (at: number) => ['DE', 'FR', 'IT'][at % 3] as string

function csvOf(rows: number, plus: string): string {
  const lines = Array.from({ length: rows }, (_, at) =>
    [`r${at}`, `${plus}${amountAt(at)}`, countryAt(at), at % 2, (at % 10) / 10].join(','),
  )
  return ['request,amount,country,late,probability', ...lines, ''].join('\n')
}

function selectOf(plus: string): string {
  return `select 'r' || i as request, ${plus}(i * 7919) % 101 as amount, ['DE', 'FR', 'IT'][1 + (i % 3)] as country,
    i % 2 as late, (i % 10) / 10.0 as probability from range(2000) t(i)`
}

interface Found {
  drift: {
    state: string
    reason?: string
    drifted?: string[]
    features?: { feature: string }[]
    prediction?: { state: string } | null
  }
}

async function tell(endpoint: string): Promise<void> {
  for (const [day, shift] of [0, 70].entries())
    await ask('POST', '/predictions', {
      endpoint,
      modelVersion: 'scorecard 2026',
      predictions: Array.from({ length: 300 }, (_, at) => ({
        id: `${endpoint}-${day}-${at}`,
        time: START + day * DAY + at * 60_000,
        inputs: { amount: amountAt(at * 3 + day) + shift, country: countryAt(at) },
        outputs: { probability: day === 0 ? (at % 10) / 10 : 0.9 },
      })),
    })
  await ask('POST', `/endpoints/${endpoint}/watermark`, { time: START + 3 * DAY })
}

async function windowsOf(endpoint: string, least = 2): Promise<Found['drift'][]> {
  let found: Found['drift'][] = []
  await expect
    .poll(
      async () => {
        const page = await ask<{ windows: Found[] }>('GET', `/endpoints/${endpoint}/windows`)
        found = page.windows.toReversed().map(({ drift }) => drift)
        return found.length
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(least)
  return found
}

test.each(['by-file', 'by-version', 'by-tag'])(
  'a drift is found %s, in what was asked and in what was answered, and nothing is before it',
  async (endpoint) => {
    await tell(endpoint)
    const [calm, moved] = await windowsOf(endpoint)
    expect(calm).toMatchObject({ state: 'judged', drifted: [], prediction: { state: 'steady' } })
    expect(calm?.features?.map(({ feature }) => feature).toSorted()).toEqual(['amount', 'country'])
    expect(moved).toMatchObject({
      state: 'judged',
      drifted: ['amount'],
      prediction: { state: 'drifted' },
    })
    const alerts = async () =>
      (await ask<{ alerts: { kind: string }[] }>('GET', `/alerts?endpoint=${endpoint}`)).alerts
    await expect
      .poll(async () => (await alerts()).map(({ kind }) => kind), { timeout: 30_000 })
      .toContain('drift')
  },
)

test('without a version the data is what the newest commit has, and a commit that has other data is another reference', async () => {
  await tell('newest')
  expect((await windowsOf('newest'))[0]).toMatchObject({ drifted: ['amount'] })
  await project.commitTable('data/usual.parquet', selectOf(''), { message: 'As before' })
  await ask('POST', '/projects/credit/sync', {})
  await ask('POST', '/predictions', {
    endpoint: 'newest',
    predictions: Array.from({ length: 300 }, (_, at) => ({
      id: `later-${at}`,
      time: START + 3 * DAY + at * 60_000,
      inputs: { amount: amountAt(at * 3), country: countryAt(at) },
      outputs: { probability: (at % 10) / 10 },
    })),
  })
  await ask('POST', '/endpoints/newest/watermark', { time: START + 4 * DAY })
  expect((await windowsOf('newest', 4)).at(-1)).toMatchObject({ state: 'judged', drifted: [] })
})

test.each([
  ['nowhere', /credit has no data\/usualy.parquet at [0-9a-f]{12}; commit it, or track it/],
  ['outside', /"..\/usual.csv" is no path in a project/],
  ['no-such-tag', /no branch, tag or commit "v7"/],
  ['unpushed', /lost.parquet@[0-9a-f]{32} is not on the remote of credit; run "orrery push"/],
  ['no-column', /usual.csv has no column chance; it has request, amount, country/],
  ['no-rows', /empty.csv has no rows/],
  ['no-table', /notes.txt is no Parquet, CSV, JSON or profile of whylogs/],
])('windows of "%s" say why there is nothing to compare with', async (endpoint, reason) => {
  await tell(endpoint)
  const [first] = await windowsOf(endpoint)
  expect(first).toMatchObject({
    state: 'skipped',
    reason: expect.stringMatching(reason) as string,
  })
})

test('an endpoint of no project names the project that has the data', async () => {
  const monitor = { min_samples: 50, reference: { data: 'usual.csv', ...ROLES } }
  await ask('POST', '/endpoints', { name: 'lonely', elsewhere: true, monitor })
  await tell('lonely')
  expect((await windowsOf('lonely'))[0]).toMatchObject({
    reason: expect.stringMatching(/belongs to no project .* project: NAME/) as string,
  })
  const named = { ...monitor, reference: { ...monitor.reference, project: 'credit' } }
  await ask('POST', '/endpoints', { name: 'helped', elsewhere: true, monitor: named })
  await tell('helped')
  expect((await windowsOf('helped'))[1]).toMatchObject({ drifted: ['amount'] })
})

test('what is profiled is kept: windows are judged by it when the data is gone', async () => {
  for (const folder of [join(server.home, 'data'), join(project.origin, '..', 'store')])
    rmSync(folder, { recursive: true, force: true })
  const data = `data/usual.parquet@${v1}`
  const monitor = { min_samples: 50, reference: { project: 'credit', data, ...ROLES } }
  await ask('POST', '/endpoints', { name: 'again', elsewhere: true, monitor })
  await tell('again')
  expect((await windowsOf('again'))[1]).toMatchObject({ drifted: ['amount'] })
})

test('columns with two parts are refused', async () => {
  const reference = { data: 'usual.csv', outputs: 'probability', label: 'probability' }
  await expect(
    ask('POST', '/endpoints', { name: 'odd', elsewhere: true, monitor: { reference } }),
  ).rejects.toThrow(/reference: probability has two parts/)
})
