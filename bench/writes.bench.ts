import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, tell } from './figures.ts'
import { httpClient, type HttpClient } from './http-client.ts'
import { startMlflow, startOrrery, type Contender } from './peers.ts'

// What a training writes: batches of a thousand metrics one after the other, and whole short runs (create, ten
// params, ten tags, twenty metrics, end) by four clients. Both servers keep their data in SQLite and answer after
// the commit; they are measured by turns, in slices, and the median slice counts.

const API = '/api/2.0/mlflow'
const SLICE_MS = 3000
const SLICES = 5
const CLIENTS = 4

interface Story {
  readonly what: string
  readonly unit: string
  /** Does one piece of work and gives how much of the unit it was. */
  work(client: HttpClient, count: () => number): Promise<number>
  readonly clients: number
}

const pairs = (prefix: string) =>
  Array.from({ length: 10 }, (_, index) => ({ key: `${prefix}${index}`, value: `${index}` }))

async function newRun(client: HttpClient): Promise<string> {
  const body = { experiment_id: '0', start_time: Date.now() }
  const answer = await client.post(`${API}/runs/create`, JSON.stringify(body))
  return (JSON.parse(answer) as { run: { info: { run_id: string } } }).run.info.run_id
}

const runs = new WeakMap<HttpClient, string>()

const stories: readonly Story[] = [
  {
    what: 'log_batch of 1,000 metrics',
    unit: 'metrics/s',
    clients: 1,
    work: async (client, count) => {
      const run = runs.get(client) ?? (await newRun(client))
      runs.set(client, run)
      const first = count() * 1000
      const metrics = Array.from({ length: 1000 }, (_, index) => ({
        key: `m${index % 10}`,
        value: 1 / (first + index + 1),
        timestamp: Date.now(),
        step: Math.floor((first + index) / 10),
      }))
      await client.post(`${API}/runs/log-batch`, JSON.stringify({ run_id: run, metrics }))
      return metrics.length
    },
  },
  {
    what: `short runs, ${CLIENTS} clients`,
    unit: 'runs/s',
    clients: CLIENTS,
    work: async (client) => {
      const run = await newRun(client)
      const metrics = Array.from({ length: 20 }, (_, index) => ({
        key: `m${index}`,
        value: index / 7,
        timestamp: Date.now(),
        step: 0,
      }))
      const logged = { run_id: run, params: pairs('p'), tags: pairs('t'), metrics }
      await client.post(`${API}/runs/log-batch`, JSON.stringify(logged))
      const ended = { run_id: run, status: 'FINISHED', end_time: Date.now() }
      await client.post(`${API}/runs/update`, JSON.stringify(ended))
      return 1
    },
  },
]

/** How much of the unit was done in a second. Its connections are new: the peer closes those that rest. */
async function slice({ url }: Contender, { work, clients: count }: Story): Promise<number> {
  const clients = Array.from({ length: count }, () => httpClient(url))
  const beganMs = performance.now()
  let [done, pieces] = [0, 0]
  const one = async (client: HttpClient) => {
    while (performance.now() - beganMs < SLICE_MS) done += await work(client, () => pieces++)
  }
  await Promise.all(clients.map(one))
  for (const client of clients) client.close()
  return (done / (performance.now() - beganMs)) * 1000
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const servers: Contender[] = []
try {
  servers.push(await startOrrery(join(home, 'orrery')))
  servers.push(await startMlflow(home))
  for (const story of stories) {
    for (const server of servers) await slice(server, story)
    const rates: number[][] = servers.map(() => [])
    for (let turn = 0; turn < SLICES; turn++)
      for (const [index, server] of servers.entries())
        rates[index]?.push(await slice(server, story))
    const [ours, theirs] = rates as [number[], number[]]
    const { what, unit } = story
    tell({
      what,
      unit,
      orrery: median(ours),
      peer: median(theirs),
      peerName: 'mlflow server',
      better: 'higher',
    })
  }
} finally {
  for (const server of servers) await server.stop()
  await rm(home, { recursive: true, force: true })
}
