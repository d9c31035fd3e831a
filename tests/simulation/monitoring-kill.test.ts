import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { putSecret, tellHome } from '../alerting/support.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { chanceOf, type Chance } from '../support/random.ts'
import { startReceiver, type Receiver } from '../webhooks/receiver.ts'
import { clientOf, eventually, sure, type Outcome } from './kill/client.ts'
import { dayOf, DAYS, ENDPOINT, everything, yaml, type Expected } from './monitoring/year.ts'

// A failure is played again with its seed: ORRERY_KILL_SEED=… npx vitest run tests/simulation/monitoring-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_MONITORING_KILL_ROUNDS'] ?? 3)
const SEED = Number(process.env['ORRERY_KILL_SEED'] ?? Date.now() % 2 ** 32)
const PATIENCE_MS = 240_000
const SIGNING = `whsec_${Buffer.from('a secret of twenty-four').toString('base64')}`

let folder: string
let receiver: Receiver
let server: ServerProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-monitoring-kill-'))
  receiver = await startReceiver()
})
afterEach(async () => {
  await server?.family.end()
  await receiver.stop()
  await rm(folder, { recursive: true, force: true })
})

test(
  `a server that is killed ${ROUNDS} times finds what an undisturbed one finds, and tells each alert once (seed ${SEED})`,
  { timeout: 240_000 + ROUNDS * 30_000 },
  async () => {
    const twin = await told('twin', [])
    const chance = chanceOf(SEED)
    const kills = Array.from({ length: ROUNDS }, () => chance.between(0, DAYS))
    const killed = await told('killed', kills, { chance, tookMs: twin.tookMs })

    expect(killed.rows).toEqual(everything())
    expect(rounded(killed.windows)).toEqual(rounded(twin.windows))
    expect(killed.alerts).toEqual(twin.alerts)
    expect(twin.alerts.length).toBeGreaterThan(1)
    expect(timesOf(killed.judged)).toEqual(timesOf(twin.judged))
    expect(killed.raised).toEqual(twin.raised)
    expect(repeated(killed.raised)).toEqual([])
    expect(repeated(killed.judged)).toEqual([])
    // Deliveries wait for none of the others: which of one moment arrives first is chance.
    expect(killed.messages.toSorted()).toEqual(twin.messages.toSorted())
  },
)

/** Lets a server be told of all days, killing it on these days, and gives all that it has then found and told. */
async function told(
  name: string,
  kills: readonly number[],
  { chance, tookMs = [] }: { chance?: Chance; tookMs?: readonly number[] } = {},
) {
  const home = join(folder, name)
  await mkdir(home)
  await tellHome(home, { yaml: yaml(`${receiver.url}/${name}`) })
  await putSecret(home, 'own', SIGNING)
  const environment = {
    ORRERY_LOG_LEVEL: 'warn',
    // Small segments, so that kills meet their sealing as well.
    ORRERY_SEAL_ROWS: '150',
    ORRERY_WEBHOOK_SCHEMES: 'http',
    ORRERY_WEBHOOK_ALLOW_PRIVATE: 'true',
  }
  const settings = { home, port: await freePort(), environment }
  server = await spawnServer(settings)
  await untilDeclared(server.url)
  const took: number[] = []
  for (let day = 0; day < DAYS; day++) {
    const began = performance.now()
    const dying = async () => {
      for (const _ of kills.filter((each) => each === day)) {
        await sleep(chance?.between(0, (tookMs[day] ?? 0) * 1.1))
        await server?.kill()
        server = await spawnServer(settings)
      }
    }
    await Promise.all([tellDay(day), dying()])
    took.push(performance.now() - began)
  }
  const found = await everythingFound(name)
  expect(await server.stop()).toBe(0)
  expect((await verifyHome(home)).faults).toEqual([])
  return { ...found, tookMs: took }
}

/** What a project declares is there soon after the server has started. */
async function untilDeclared(url: string): Promise<void> {
  await eventually(
    async () => (await fetch(`${url}/api/v1/endpoints/${ENDPOINT}`)).status,
    (status) => status === 200,
    { what: 'the endpoint is declared', withinMs: PATIENCE_MS },
  )
}

async function tellDay(day: number): Promise<void> {
  const { told: reports, expected } = dayOf(day)
  for (const { path, body } of reports)
    await insist((client) => client.post(`/api/v1${path}`, body))
  for (const window of expected) await untilSo(window)
  await untilTold()
}

/** Asks until it is answered: the server may be away. */
async function insist<T>(ask: (client: ReturnType<typeof clientOf>) => Promise<Outcome<T>>) {
  const outcome = await eventually(
    () => ask(clientOf(server?.url ?? '')),
    ({ answered }) => answered,
    { what: 'the server answers', withinMs: PATIENCE_MS },
  )
  return sure(outcome)
}

interface Window {
  readonly start: string
  readonly counted: { predictions: number; labels: number; replaced: number }
  readonly performance: object | null
}

const windowsNow = async () =>
  (
    await insist((client) =>
      client.get<{ windows: Window[] }>(`/api/v1/endpoints/${ENDPOINT}/windows?limit=100`),
    )
  ).windows

async function untilSo({ start, settled, ...counts }: Expected): Promise<void> {
  await eventually(
    async () => (await windowsNow()).find((each) => each.start === start),
    (window) =>
      window !== undefined &&
      (window.performance !== null) === settled &&
      isDeepStrictEqual(window.counted, counts),
    {
      what: `the window of ${start} has ${JSON.stringify({ settled, ...counts })}`,
      withinMs: PATIENCE_MS,
    },
  )
}

interface Entry {
  readonly type: string
  readonly data: Readonly<Record<string, string>> & { readonly alerts?: readonly string[] }
}

async function ledgerNow(): Promise<Entry[]> {
  const text = await insist((client) => client.bytes('/api/v1/ledger/export?after=-1'))
  const lines = text.toString().split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Entry)
}

/** What was raised and cleared is told before the day is over, so that it is told of alike each time. */
async function untilTold(): Promise<void> {
  await eventually(
    async () => {
      const entries = await ledgerNow()
      const said = entries.filter(({ type }) => type === 'alert-told')
      const of = (reason: string) =>
        new Set(
          said.filter(({ data }) => data['reason'] === reason).flatMap(({ data }) => data.alerts),
        )
      const named = (type: string) =>
        entries.filter((entry) => entry.type === type).map(({ data }) => data['alert'] as string)
      return [
        ...named('alert-raised').filter((alert) => !of('raised').has(alert)),
        ...named('alert-cleared').filter((alert) => !of('recovered').has(alert)),
      ]
    },
    (untold) => untold.length === 0,
    { what: 'each alert is told', withinMs: PATIENCE_MS },
  )
}

async function everythingFound(name: string) {
  const windows = await windowsNow()
  const alerts = await insist((client) =>
    client.get<{ alerts: object[] }>(`/api/v1/alerts?endpoint=${ENDPOINT}&limit=200`),
  )
  const entries = await ledgerNow()
  const messages = () => messagesTo(name)
  const count = entries.filter(({ type }) => type === 'alert-told').length
  await eventually(
    async () => messages().length,
    (there) => there >= count,
    {
      what: `${count} messages come`,
      withinMs: PATIENCE_MS,
    },
  )
  return {
    rows: await rowsNow(),
    windows,
    alerts: alerts.alerts,
    judged: entries
      .filter(({ type, data }) => type === 'window-evaluated' && data['state'] !== 'recomputed')
      .map(({ data }) => `${data['start']} ${data['state']}`),
    raised: entries
      .filter(({ type }) => type === 'alert-raised' || type === 'alert-cleared')
      .map(({ type, data }) => `${type} ${data['alert']}`),
    messages: messages(),
  }
}

/** One for each `webhook-id`: a repetition has the same, so that whoever hears it twice knows. */
function messagesTo(name: string): string[] {
  const own = receiver.received.filter(({ path }) => path === `/${name}/own`)
  const byId = new Map(own.map(({ headers, body }) => [headers['webhook-id'], body]))
  return [...byId.values()].map((body) => {
    const { type, data } = JSON.parse(body) as { type: string; data: { news: string[] } }
    return `${type} ${data.news.join(' ')}`
  })
}

async function rowsNow(): Promise<Map<string, unknown>> {
  const rows = new Map<string, unknown>()
  let after = ''
  do {
    const page = await insist((client) =>
      client.get<{ predictions: { key: string; label: unknown }[]; next: string | null }>(
        `/api/v1/endpoints/${ENDPOINT}/predictions?limit=1000${after}`,
      ),
    )
    for (const { key, label } of page.predictions) {
      expect([key, rows.has(key)]).toEqual([key, false])
      rows.set(key, label)
    }
    after = page.next === null ? '' : `&after=${page.next}`
  } while (after !== '')
  return rows
}

/** Sums over the same rows in another order differ in their last digits, and what is nothing is a little more or less. */
function rounded(windows: readonly Window[]): unknown {
  return JSON.parse(JSON.stringify(windows), (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value)
      ? Math.abs(value) < 1e-9
        ? 0
        : Number(value.toPrecision(9))
      : value,
  )
}

function repeated(all: readonly string[]): string[] {
  return all.filter((each, at) => all.indexOf(each) !== at)
}

function timesOf(all: readonly string[]): string[] {
  return all.toSorted()
}
