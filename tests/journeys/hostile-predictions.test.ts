import { afterAll, beforeAll, expect, test } from 'vitest'
import { printExactJson, type ExactJson } from '#base/exact-json'
import { startTestServer, type TestServer } from '../support/server.ts'

// Whatever other systems tell of, each window has a verdict with a reason, and nothing that was told stops the monitors.

const DAY = 86_400_000
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5)
const DAYS = 4
const ROWS = 60

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
})

type Values = Record<string, ExactJson>

/** What is told of a row of a day; `undefined` where there is none. */
interface Stream {
  readonly inputs: (at: number, day: number) => Values
  readonly outputs?: (at: number, day: number) => ExactJson
  readonly label?: (at: number, day: number) => ExactJson | undefined
  readonly time?: (at: number, day: number) => number
  readonly rows?: (day: number) => number
  readonly monitor?: object
}

const wave = (at: number) => Math.abs((Math.sin(at * 12.9898) * 43_758.5453) % 1)
const plain = (at: number, day: number): Values => ({
  amount: wave(at + day * 100) * 10,
  country: ['DE', 'FR', 'IT'][at % 3] ?? 'DE',
})
const probability = (at: number): ExactJson => ({ probability: wave(at * 7) })
const label = (at: number): ExactJson => at % 2

/** Numbers that JSON has no word for are written as it is done nevertheless. */
const FAR = [1e308, -1e308, 5e-324, -0, Infinity, -Infinity, Number.NaN, 2 ** 53]
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  ' ',
  'ü\u0000\u202e',
  'x'.repeat(3000),
  'a\'b"c;--',
]

const STREAMS: Readonly<Record<string, Stream>> = {
  'a-feature-vanishes': {
    inputs: (at, day) => (day < 2 ? plain(at, day) : { country: 'DE' }),
  },
  'types-change': {
    inputs: (at, day) => ({
      amount: day % 2 === 0 ? at : `${at} EUR`,
      flag: day < 2 ? true : 'yes',
    }),
    outputs: (at, day) => ({ answer: day < 2 ? wave(at) : at % 2 === 0 ? 'late' : 'early' }),
    label: (at, day) => (day < 2 ? at % 2 : ['late', true, 7][at % 3]),
  },
  'types-differ-in-a-window': {
    inputs: (at) => ({ amount: [1, 'two', true, null, [3], [], ['a', 1]][at % 7] as ExactJson }),
    outputs: (at) => ({ answer: [0.5, 'late', true, null, [0.1, 0.9], []][at % 6] as ExactJson }),
    label: (at) => [0, 'late', true, 1.5][at % 4],
  },
  'far-numbers': {
    inputs: (at) => ({ amount: FAR[at % FAR.length] as number, other: (FAR[at % 3] ?? 0) * 10 }),
    outputs: (at) => ({ probability: FAR[at % FAR.length] as number }),
    label,
  },
  constant: {
    inputs: () => ({ amount: 1, country: 'DE', empty: null }),
    outputs: () => ({ probability: 0.5 }),
    label: () => 1,
  },
  'nothing-known': {
    inputs: () => ({}),
    outputs: () => ({ probability: null }),
    label: () => undefined,
  },
  'all-null': {
    inputs: () => ({ a: null, b: null }),
    outputs: () => ({ probability: null }),
    label,
  },
  'many-categories': {
    inputs: (at, day) => ({ id: `customer ${day} ${at}`, amount: at, code: at * 7919 + day }),
    rows: () => 2000,
  },
  'many-columns': {
    inputs: (at) =>
      Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`c${n}`, wave(at + n)])),
    rows: () => 24,
  },
  'odd-names': {
    inputs: (at) =>
      Object.fromEntries(NAMES.map((name, n) => [name, n % 2 === 0 ? at : `v${at % 3}`])),
    outputs: (at) => Object.fromEntries(NAMES.map((name) => [name, wave(at)])),
    monitor: { slices: { by: ['__proto__', 'constructor'] } },
  },
  lists: {
    inputs: (at, day) => ({
      embedding: Array.from({ length: (at + day) % 5 }, (_, n) => wave(n + at)),
    }),
    outputs: (at) => ({ probabilities: [wave(at), 1 - wave(at), 0] }),
    label: (at) => at % 4,
  },
  'every-row-the-same': { inputs: () => plain(1, 1), outputs: () => probability(1), label },
  'out-of-order': { inputs: plain, time: (at, day) => START + day * DAY + ((at * 37) % 24) * HOUR },
  'one-row-a-day': { inputs: plain, rows: () => 1 },
  'holes-of-days': { inputs: plain, time: (at, day) => START + (day - DAYS) * 40 * DAY + at },
  'before-all-clocks': { inputs: plain, time: (at, day) => -62_135_596_800_000 + day * DAY + at },
  'clocks-ahead': { inputs: plain, time: (at, day) => Date.now() + DAY - (DAYS - day) * DAY + at },
  'asked-too-much': {
    inputs: plain,
    monitor: {
      performance: { metric: 'roc_auc', min: 0.5, prediction: 'nothing', positive: 'nobody' },
      slices: { by: ['nothing', ['country', 'nothing'], { column: 'country', edges: [1, 1, -1] }] },
      fairness: {
        by: ['nothing', 'country'],
        metrics: [{ metric: 'demographic_parity_difference', max: 0 }],
      },
      kpis: {
        broken: { sql: 'select nothing from nowhere' },
        divided: { sql: 'select 1 / 0' },
        lists: { sql: 'select [1, 2]' },
        outside: { sql: "select count(*) from read_csv('/etc/passwd')" },
      },
      concept: { detectors: ['adwin', 'ddm', 'eddm', 'kswin', 'page-hinkley'] },
    },
  },
}

async function ask<T>(method: string, path: string, body?: string): Promise<T> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 1000)}`)
  return JSON.parse(text === '' ? 'null' : text) as T
}

async function tell(name: string, stream: Stream): Promise<number> {
  const { inputs, outputs = probability, label: labelOf = label, monitor = {} } = stream
  const { time = (at, day) => START + day * DAY + at * 60_000, rows = () => ROWS } = stream
  const declared = { settle: '1h', min_samples: 20, reference: 'previous', ...monitor }
  await ask(
    'POST',
    '/api/v1/endpoints',
    JSON.stringify({ name, elsewhere: true, monitor: declared }),
  )
  let latest = Number.NEGATIVE_INFINITY
  for (let day = 0; day < DAYS; day++) {
    const predictions = Array.from({ length: rows(day) }, (_, at) => {
      const timeMs = time(at, day)
      latest = Math.max(latest, timeMs)
      const truth = labelOf(at, day)
      return {
        id: `${day}-${at}`,
        modelVersion: 'odd',
        time: timeMs,
        inputs: inputs(at, day),
        outputs: outputs(at, day),
        ...(truth === undefined ? {} : { label: truth }),
      }
    })
    for (let at = 0; at < predictions.length; at += 4000) {
      const some = predictions.slice(at, at + 4000) as unknown as ExactJson
      await ask('POST', `/api/v1/predictions?endpoint=${name}`, printExactJson(some))
    }
  }
  return latest
}

interface Verdict {
  readonly state: string
  readonly reason?: string
}
interface Window {
  readonly start: string
  readonly predictions: number
  readonly drift: Verdict & { features?: readonly { feature: string }[] }
  readonly performance: Verdict | null
  readonly quality?: Verdict
  readonly estimate?: Verdict
  readonly slices?: Verdict
}

const windowsOf = async (name: string) =>
  (await ask<{ windows: Window[] }>('GET', `/api/v1/endpoints/${name}/windows?limit=200`)).windows

/** What a window leaves unsaid. */
function unsaidIn(name: string, window: Window): string[] {
  const { start, drift, performance, quality, estimate, slices } = window
  const parts = { drift, performance, quality, estimate, slices }
  return Object.entries(parts).flatMap(([part, verdict]) => {
    const where = `${name}, ${start}: ${part}`
    if (verdict == null) return [`${where} has no verdict`]
    const isMute = /skipped|unknown|unmeasured/.test(verdict.state) && (verdict.reason ?? '') === ''
    return isMute || verdict.reason === 'it was not looked at' ? [`${where} gives no reason`] : []
  })
}

test('every window of whatever was told has a verdict of each part, and everything that shows them answers', async () => {
  const latest = new Map<string, number>()
  for (const [name, stream] of Object.entries(STREAMS)) latest.set(name, await tell(name, stream))
  for (const [name, ms] of latest)
    await ask('POST', `/api/v1/endpoints/${name}/watermark`, JSON.stringify({ time: ms + 2 * DAY }))
  await expect
    .poll(
      async () => {
        const waiting: string[] = []
        for (const name of latest.keys()) {
          const windows = (await windowsOf(name)).filter(({ predictions }) => predictions > 0)
          const settled = windows.filter(({ performance }) => performance !== null)
          if (settled.length < DAYS) waiting.push(`${name}: ${settled.length} of ${windows.length}`)
        }
        return waiting
      },
      { timeout: 150_000, interval: 500 },
    )
    .toEqual([])
  const unsaid: string[] = []
  for (const name of latest.keys())
    for (const window of await windowsOf(name)) {
      if (window.predictions > 0) unsaid.push(...unsaidIn(name, window))
      const { start } = window
      await ask('GET', `/api/v1/endpoints/${name}/windows/${start}`)
    }
  expect(unsaid).toEqual([])
  for (const name of latest.keys()) await ask('GET', `/api/v1/alerts?endpoint=${name}`)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(200)
}, 240_000)
