import { createHash } from 'node:crypto'
import type { Chance } from '../../support/random.ts'
import { sure, type Client } from './client.ts'
import { newBook, type Workload } from './workload.ts'

const API = '/api/2.0/mlflow'
const CLIENTS = 3

interface RunBook {
  readonly id: string
  readonly artifacts: string
  /** Value by step; every point of the test has a step of its own. */
  readonly metrics: ReturnType<typeof newBook<number, number>>
  readonly params: ReturnType<typeof newBook<string, string>>
  readonly files: ReturnType<typeof newBook<string, string>>
  /** Steps of one log-batch: there are all or none. */
  readonly batches: number[][]
  steps: number
  finished: 'no' | 'maybe' | 'surely'
}

interface RunWire {
  info: { run_id: string; artifact_uri: string; status: string }
  data: {
    params?: { key: string; value: string }[]
    metrics?: { key: string; step: number | string }[]
  }
}

/** MLflow clients: runs with metrics, one at a time and in batches, params, files and an end. */
export function trackingWorkload(chance: Chance): Workload {
  const runs = new Map<string, RunBook>()
  const touched = new Set<RunBook>()
  const chances = Array.from({ length: CLIENTS }, () => chance.fork())

  const check = async (client: Client, books: Iterable<RunBook>) => {
    const wrong: string[] = []
    for (const book of books) wrong.push(...(await differencesOf(client, book)))
    return wrong
  }
  const total = (part: 'metrics' | 'params' | 'files') =>
    [...runs.values()].reduce((sum, run) => sum + run[part].sure(), 0)

  return {
    name: 'tracking',
    prepare: async () => {},
    write: async (client, signal) => {
      touched.clear()
      await Promise.all(
        chances.map(async (own) => {
          while (!signal.aborted) {
            const book = await newRun(client)
            if (book === undefined) return
            runs.set(book.id, book)
            touched.add(book)
            if (!(await fill(client, book, own, signal))) return
          }
        }),
      )
    },
    settle: (client) => check(client, touched),
    review: (client) => check(client, runs.values()),
    counts: () => ({
      runs: runs.size,
      metrics: total('metrics'),
      params: total('params'),
      files: total('files'),
    }),
  }
}

async function newRun(client: Client): Promise<RunBook | undefined> {
  const body = { experiment_id: '0', start_time: Date.now() }
  const created = await client.post<{ run: RunWire }>(`${API}/runs/create`, body)
  // A run that was begun without our hearing of it has nothing in it.
  if (!created.answered) return undefined
  const { run_id, artifact_uri } = created.value.run.info
  return {
    id: run_id,
    artifacts: artifact_uri.replace(/^mlflow-artifacts:\/*/, ''),
    metrics: newBook(),
    params: newBook(),
    files: newBook(),
    batches: [],
    steps: 0,
    finished: 'no',
  }
}

/** Writes into a run and ends it; gives false when the server was lost. */
async function fill(
  client: Client,
  book: RunBook,
  chance: Chance,
  signal: AbortSignal,
): Promise<boolean> {
  const writes = chance.between(3, 25)
  for (let n = 0; n < writes && !signal.aborted; n++) {
    const write = chance.pick([logMetric, logMetric, logBatch, logParam, putFile])
    if (!(await write(client, book, chance))) return false
  }
  const body = { run_id: book.id, status: 'FINISHED', end_time: Date.now() }
  const { answered } = await client.post(`${API}/runs/update`, body)
  book.finished = answered ? 'surely' : 'maybe'
  return answered
}

async function logMetric(client: Client, book: RunBook, chance: Chance): Promise<boolean> {
  const [step, value] = [book.steps++, chance.next()]
  const body = { run_id: book.id, key: 'loss', value, step, timestamp: Date.now() }
  const { answered } = await client.post(`${API}/runs/log-metric`, body)
  book.metrics.enter(step, value, answered)
  return answered
}

async function logBatch(client: Client, book: RunBook, chance: Chance): Promise<boolean> {
  const metrics = Array.from({ length: chance.between(1, 30) }, () => ({
    key: 'loss',
    value: chance.next(),
    step: book.steps++,
    timestamp: Date.now(),
  }))
  const params = [{ key: chance.word(8), value: chance.word(20) }]
  const { answered } = await client.post(`${API}/runs/log-batch`, {
    run_id: book.id,
    metrics,
    params,
  })
  for (const { step, value } of metrics) book.metrics.enter(step, value, answered)
  for (const { key, value } of params) book.params.enter(key, value, answered)
  book.batches.push(metrics.map((metric) => metric.step))
  return answered
}

async function logParam(client: Client, book: RunBook, chance: Chance): Promise<boolean> {
  const [key, value] = [chance.word(10), chance.word(30)]
  const { answered } = await client.post(`${API}/runs/log-parameter`, {
    run_id: book.id,
    key,
    value,
  })
  book.params.enter(key, value, answered)
  return answered
}

async function putFile(client: Client, book: RunBook, chance: Chance): Promise<boolean> {
  const bytes = Buffer.from(chance.word(16).repeat(chance.between(1, 2000)))
  const path = `${chance.word(4)}/${chance.word(8)}.bin`
  const { answered } = await client.put(
    `/api/2.0/mlflow-artifacts/artifacts/${book.artifacts}/${path}`,
    bytes,
  )
  book.files.enter(path, digestOf(bytes), answered)
  return answered
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function differencesOf(client: Client, book: RunBook): Promise<string[]> {
  const name = `run ${book.id}`
  const { run } = sure(await client.get<{ run: RunWire }>(`${API}/runs/get?run_id=${book.id}`))
  const points = await historyOf(client, book.id)
  const files = await filesOf(client, book)
  return [
    ...book.metrics.differences(
      `${name} metric`,
      points.map(({ step, value }) => [step, value]),
    ),
    ...book.params.differences(
      `${name} param`,
      (run.data.params ?? []).map(({ key, value }) => [key, value]),
    ),
    ...book.files.differences(`${name} file`, files),
    ...halfBatches(name, book, new Set(points.map((point) => point.step))),
    ...wrongLatest(name, run, points),
    ...wrongStatus(name, run.info.status, book.finished),
  ]
}

async function historyOf(client: Client, run: string) {
  const points: { step: number; value: number }[] = []
  let token = ''
  do {
    const page = sure(
      await client.get<{
        metrics?: { step: number | string; value: number }[]
        next_page_token?: string
      }>(
        `${API}/metrics/get-history?run_id=${run}&metric_key=loss&max_results=500&page_token=${token}`,
      ),
    )
    points.push(...(page.metrics ?? []).map(({ step, value }) => ({ step: Number(step), value })))
    token = encodeURIComponent(page.next_page_token ?? '')
  } while (token !== '')
  return points
}

async function filesOf(client: Client, book: RunBook): Promise<[string, string][]> {
  type Listing = { files?: { path: string; is_dir: boolean }[] }
  const list = async (path: string) =>
    sure(
      await client.get<Listing>(
        `${API}/artifacts/list?run_id=${book.id}&path=${encodeURIComponent(path)}`,
      ),
    ).files ?? []
  const folders = await list('')
  const files = (await Promise.all(folders.map(({ path }) => list(path)))).flat()
  return Promise.all(
    files.map(async ({ path }): Promise<[string, string]> => {
      const address = `/api/2.0/mlflow-artifacts/artifacts/${book.artifacts}/${path}`
      return [path, digestOf(sure(await client.bytes(address)))]
    }),
  )
}

function halfBatches(name: string, book: RunBook, kept: ReadonlySet<number>): string[] {
  return book.batches
    .filter((steps) => new Set(steps.map((step) => kept.has(step))).size > 1)
    .map((steps) => `${name}: of the batch of steps ${steps[0]}… only a part is there`)
}

function wrongLatest(name: string, run: RunWire, points: readonly { step: number }[]): string[] {
  const latest = run.data.metrics?.find((metric) => metric.key === 'loss')
  const last = points.length === 0 ? undefined : Math.max(...points.map((point) => point.step))
  return Number(latest?.step ?? 0) === (last ?? 0)
    ? []
    : [`${name}: the latest metric is of step ${latest?.step}, the last point of step ${last}`]
}

function wrongStatus(name: string, status: string, finished: RunBook['finished']): string[] {
  const right = { no: ['RUNNING'], maybe: ['RUNNING', 'FINISHED'], surely: ['FINISHED'] }[finished]
  return right.includes(status) ? [] : [`${name}: it is ${status}, and ended ${finished}`]
}
