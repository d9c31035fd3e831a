import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

// Predictions that other systems made: requests of 1,000 rows as JSON and as NDJSON, named and not, each answered when
// they are durable. CPU is that of the server's own process with all of its threads, taken from the kernel.

const ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 100_000)
const ROWS_A_REQUEST = 1000
const START = Date.UTC(2026, 0, 5)

const home = await mkdtemp(join(tmpdir(), 'orrery-told-'))
const orrery = join(import.meta.dirname, '..', 'bin', 'orrery')
const server = spawn(orrery, ['up', '--home', home, '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ORRERY_SERVING_PORT: '0' },
})

async function urlOf(): Promise<string> {
  for await (const line of createInterface({ input: server.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('the server did not say where it is')
}

function told(name: string, at: number): object {
  return {
    id: `${name}-${at}`,
    time: START + at * 10,
    key: `customer-${at % 10_000}`,
    inputs: { amount: at / 7, age: at % 90, country: at % 3 === 0 ? 'DE' : 'FR' },
    outputs: { probability: (at % 100) / 100 },
  }
}

interface Kind {
  readonly name: string
  readonly type: string
  body(endpoint: string, rows: readonly object[]): string
}

const KINDS: readonly Kind[] = [
  {
    name: 'JSON',
    type: 'application/json',
    body: (endpoint, predictions) => JSON.stringify({ endpoint, predictions }),
  },
  {
    name: 'NDJSON',
    type: 'application/x-ndjson',
    body: (_, rows) => rows.map((row) => JSON.stringify(row)).join('\n'),
  },
]

async function run(url: string): Promise<void> {
  for (const kind of KINDS) {
    const endpoint = `told-${kind.name.toLowerCase()}`
    await posted(
      `${url}/api/v1/endpoints`,
      'application/json',
      JSON.stringify({ name: endpoint, elsewhere: true }),
    )
    const bodies = Array.from({ length: ROWS / ROWS_A_REQUEST }, (_, request) =>
      kind.body(
        endpoint,
        Array.from({ length: ROWS_A_REQUEST }, (__, at) =>
          told(endpoint, request * ROWS_A_REQUEST + at),
        ),
      ),
    )
    const send = (body: string) =>
      posted(`${url}/api/v1/predictions?endpoint=${endpoint}`, kind.type, body)
    await measured(`${kind.name}, told for the first time`, bodies, send)
    await measured(`${kind.name}, told again`, bodies, send)
  }
}

async function measured(
  what: string,
  bodies: readonly string[],
  send: (body: string) => Promise<void>,
): Promise<void> {
  const cpu = await cpuSeconds()
  const beganMs = performance.now()
  for (const body of bodies) await send(body)
  const seconds = (performance.now() - beganMs) / 1000
  const spent = (await cpuSeconds()) - cpu
  const words = [
    `${what}: ${ROWS} rows in ${seconds.toFixed(1)} s`,
    `${Math.round(ROWS / seconds)} rows/s`,
    `${((spent / ROWS) * 1e6).toFixed(1)} µs of CPU a row`,
  ]
  process.stdout.write(`${words.join(', ')}\n`)
}

/** Of the server's process, in ticks of a hundredth of a second. */
async function cpuSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${server.pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / 100
}

async function posted(url: string, type: string, body: string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  if (!answer.ok) throw new Error(await answer.text())
  await answer.arrayBuffer()
}

try {
  await run(await urlOf())
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
  await rm(home, { recursive: true, force: true })
}
