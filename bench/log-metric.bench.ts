import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, tell } from './figures.ts'
import { httpClient, type HttpClient } from './http-client.ts'
import { startMlflow, startOrrery, type Contender } from './peers.ts'

// Calls of log-metric by eight clients, each with a run and a connection of its own, each call sent when the one
// before was answered. Both servers keep their data in SQLite and answer after the commit. They are measured by
// turns, in slices, so that whatever else the machine does meets both; the median slice counts.

const CLIENTS = 8
const WARM_UP_MS = 5000
const SLICE_MS = 2000
const SLICES = 5
const API = '/api/2.0/mlflow'

interface Measured {
  /** Answered calls a second, in a slice of so much time. */
  slice(ms: number): Promise<number>
  stop(): Promise<void>
}

async function measured(server: Contender): Promise<Measured> {
  const clients = Array.from({ length: CLIENTS }, () => httpClient(server.url))
  const runs = await Promise.all(clients.map(newRun))
  let step = 0
  return {
    slice: async (ms) => {
      const until = performance.now() + ms
      let answered = 0
      const log = async (client: HttpClient, run: string) => {
        while (performance.now() < until) {
          const metric = { run_id: run, key: 'loss', value: 1 / ++step, step }
          const body = JSON.stringify({ ...metric, timestamp: Date.now() })
          await client.post(`${API}/runs/log-metric`, body)
          if (performance.now() < until) answered += 1
        }
      }
      await Promise.all(clients.map((client, index) => log(client, runs[index] as string)))
      return answered / (ms / 1000)
    },
    stop: async () => {
      for (const client of clients) client.close()
      await server.stop()
    },
  }
}

async function newRun(client: HttpClient): Promise<string> {
  const body = { experiment_id: '0', start_time: Date.now() }
  const answer = await client.post(`${API}/runs/create`, JSON.stringify(body))
  return (JSON.parse(answer) as { run: { info: { run_id: string } } }).run.info.run_id
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const servers: Measured[] = []
try {
  servers.push(await measured(await startOrrery(join(home, 'orrery'))))
  servers.push(await measured(await startMlflow(home)))
  for (const server of servers) await server.slice(WARM_UP_MS)
  const slices: number[][] = servers.map(() => [])
  for (let turn = 0; turn < SLICES; turn++)
    for (const [index, server] of servers.entries())
      slices[index]?.push(await server.slice(SLICE_MS))
  const [ours, theirs] = slices as [number[], number[]]
  tell({
    what: `log_metric, ${CLIENTS} clients`,
    unit: 'calls/s',
    orrery: median(ours),
    peer: median(theirs),
    peerName: 'mlflow server',
    better: 'higher',
  })
} finally {
  for (const server of servers) await server.stop()
  await rm(home, { recursive: true, force: true })
}
