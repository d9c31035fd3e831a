import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { median, tell } from './figures.ts'
import { startMlflow, startOrrery, type Contender } from './peers.ts'

// Spans as OpenTelemetry's exporter sends them, in batches of protobuf, by eight clients with a connection
// each; then searches over all that was kept. Both servers keep their data in SQLite and answer after the
// commit. They are measured by turns, so that whatever else the machine does meets both.

const CLIENTS = 8
const TRACES_PER_BATCH = 20
const SPANS_PER_TRACE = 5
const TURNS = 5
const SLICE_MS = 2000
const TRACES = 20_000
const SEARCHES = 15
const FILTERS = [
  "status = 'ERROR'",
  "tags.team = 'team 7'",
  "span.name = 'tool' AND timestamp_ms > 0",
]

interface Measured {
  readonly server: Contender
  readonly client: Client
  kept: number
}

type Client = ReturnType<typeof clientOf>

/** A plain client of one connection, the same for both servers. */
function clientOf(url: string) {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    close: () => agent.destroy(),
    post: (path: string, body: Buffer, type: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = {
          'content-type': type,
          'content-length': body.length,
          'x-mlflow-experiment-id': '0',
        }
        const sending = request(
          { agent, hostname, port, path, method: 'POST', headers },
          (answer) => {
            let text = ''
            answer.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
            answer.on('end', () =>
              answer.statusCode === 200
                ? resolve(text)
                : reject(new Error(`${path} was answered with ${answer.statusCode}: ${text}`)),
            )
          },
        )
        sending.on('error', reject)
        sending.end(body)
      }),
  }
}

/** A batch of traces, each a root with its children. */
function batch(): Buffer {
  const scope = new BinaryWriter()
  for (let trace = 0; trace < TRACES_PER_BATCH; trace++) {
    const traceId = randomBytes(16)
    const root = randomBytes(8)
    for (let span = 0; span < SPANS_PER_TRACE; span++)
      scope
        .uint32(18)
        .bytes(spanOf(traceId, span === 0 ? null : root, span === 0 ? root : randomBytes(8)))
  }
  const resource = new BinaryWriter().uint32(18).bytes(scope.finish()).finish()
  return Buffer.from(new BinaryWriter().uint32(10).bytes(resource).finish())
}

function spanOf(traceId: Buffer, parent: Buffer | null, spanId: Buffer): Uint8Array {
  const startNs = BigInt(Date.now()) * 1_000_000n
  const writer = new BinaryWriter()
  writer.uint32(10).bytes(traceId).uint32(18).bytes(spanId)
  if (parent !== null) writer.uint32(34).bytes(parent)
  writer.uint32(42).string(parent === null ? 'agent' : ['model', 'tool'][spanId[0]! % 2]!)
  writer
    .uint32(57)
    .fixed64(startNs)
    .uint32(65)
    .fixed64(startNs + 5_000_000n)
  const attributes = {
    'mlflow.spanInputs': '{"question": "which flight is late?", "depth": 2}',
    'mlflow.spanOutputs': '{"answer": "it is the one to Newark"}',
    'mlflow.traceTag.team': `team ${spanId[1]! % 20}`,
    'http.route': '/v1/chat',
  }
  for (const [key, value] of Object.entries(attributes)) {
    const any = new BinaryWriter().uint32(10).string(value).finish()
    writer
      .uint32(74)
      .bytes(new BinaryWriter().uint32(10).string(key).uint32(18).bytes(any).finish())
  }
  const code = parent === null && spanId[2]! % 10 === 0 ? 2 : 1
  return writer.uint32(122).bytes(new BinaryWriter().uint32(24).int32(code).finish()).finish()
}

/** Spans a second that a server takes in so much time. */
async function ingested(measured: Measured, ms: number): Promise<number> {
  const clients = Array.from({ length: CLIENTS }, () => clientOf(measured.server.url))
  const until = performance.now() + ms
  let batches = 0
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < until) {
        await client.post('/v1/traces', batch(), 'application/x-protobuf')
        batches += 1
      }
    }),
  )
  for (const client of clients) client.close()
  measured.kept += batches * TRACES_PER_BATCH
  return (batches * TRACES_PER_BATCH * SPANS_PER_TRACE) / (ms / 1000)
}

/** Milliseconds of one search for a page of 100. */
async function searched({ client }: Measured, filter: string): Promise<number> {
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } }]
  const body = Buffer.from(JSON.stringify({ locations, filter, max_results: 100 }))
  const startedMs = performance.now()
  await client.post('/api/3.0/mlflow/traces/search', body, 'application/json')
  return performance.now() - startedMs
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const servers: Measured[] = []
try {
  for (const start of [() => startOrrery(join(home, 'orrery')), () => startMlflow(home)]) {
    const server = await start()
    servers.push({ server, client: clientOf(server.url), kept: 0 })
  }
  const rates: number[][] = servers.map(() => [])
  for (let turn = 0; turn <= TURNS; turn++)
    for (const [index, server] of servers.entries()) {
      const rate = await ingested(server, SLICE_MS)
      // The first turn warms both up.
      if (turn > 0) rates[index]?.push(rate)
    }
  const peerName = 'mlflow server'
  const [ours, theirs] = rates as [number[], number[]]
  tell({
    what: `spans taken in, ${CLIENTS} clients`,
    unit: 'spans/s',
    orrery: median(ours),
    peer: median(theirs),
    peerName,
    better: 'higher',
  })
  for (const server of servers)
    while (server.kept < TRACES) await ingested(server, Math.min(SLICE_MS, 500))
  for (const filter of FILTERS) {
    const times: number[][] = servers.map(() => [])
    for (let turn = 0; turn < SEARCHES; turn++)
      for (const [index, server] of servers.entries())
        times[index]?.push(await searched(server, filter))
    const [own, peer] = times as [number[], number[]]
    const counts = servers.map(({ kept }) => kept).join(' and ')
    tell({
      what: `search of ${counts} traces, ${filter}`,
      unit: 'ms',
      orrery: median(own),
      peer: median(peer),
      peerName,
      better: 'lower',
    })
  }
} finally {
  for (const { server, client } of servers) {
    client.close()
    await server.stop()
  }
  await rm(home, { recursive: true, force: true })
}
