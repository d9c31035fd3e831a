import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../../support/random.ts'
import { filesOfModel, FLIGHTS } from '../../support/models.ts'
import { eventually, sure, type Client, type Outcome } from './client.ts'
import { ENDPOINT, MODEL, writeProject } from './project.ts'
import type { Workload } from './workload.ts'

const API = '/api/2.0/mlflow'
export const HOUR_MS = 3_600_000
export const START_MS = Date.parse('2024-01-01T00:00:00Z')
const REQUESTS_PER_HOUR = 6
const ROWS_PER_REQUEST = 5
const PATIENCE_MS = 60_000
/** So many hours the clients are ahead of what is judged of them: more would only be a queue that is judged after each start. */
const HOURS_AHEAD = 4

/** One request for predictions; sent again under its id until it was answered. */
interface Asked {
  readonly id: string
  readonly records: readonly Readonly<Record<string, string | number>>[]
  readonly labels: readonly number[]
  answer: Answer | undefined
}

interface Answer {
  batch: string
  modelVersion: string
  predictions: { id: string; outputs: unknown }[]
}

/** An hour of event time: its requests, then its truths, then the word that it is over. */
interface Hour {
  readonly startMs: number
  readonly requests: readonly Asked[]
  truthsTold: boolean
  over: boolean
}

/**
 * Clients of an endpoint whose windows are all bad, so that its policy trains again and again. Requests for
 * predictions whose answer was lost are sent again under their id; truths are told again.
 */
export function loopWorkload(chance: Chance, folder: string): Workload {
  const hours: Hour[] = []
  const current = () => {
    const last = hours.at(-1)
    if (last !== undefined && !last.over) return last
    const hour = newHour(chance, START_MS + hours.length * HOUR_MS)
    hours.push(hour)
    return hour
  }
  const review = async (client: Client, checked: readonly Hour[]) => [
    ...(await Promise.all(checked.map((hour) => hourFaults(client, hour)))).flat(),
    ...(await repeatFaults(client, chance, hours)),
  ]

  return {
    name: 'loop',
    prepare: async (client) => {
      await writeProject(folder)
      await firstChampion(client, folder)
      await eventually(
        () => stateOf(client),
        (state) => state === 'ready',
        {
          what: 'the endpoint answers',
          withinMs: PATIENCE_MS,
        },
      )
    },
    write: async (client, signal) => {
      while (!signal.aborted && (await live(client, current())))
        if (!(await judged(client, hours.at(-HOURS_AHEAD), signal))) return
    },
    settle: async (client) => {
      // What was in doubt is asked again, so that it is certain, and then has to be there once.
      const hour = current()
      if (!(await live(client, hour))) return ['the server was lost although nobody had ended it']
      return review(client, hours.slice(-3))
    },
    review: (client) => review(client, hours),
    counts: () => ({
      hours: hours.filter((hour) => hour.over).length,
      predictions: hours
        .flatMap((hour) => hour.requests)
        .filter((asked) => asked.answer !== undefined)
        .reduce((sum, asked) => sum + asked.records.length, 0),
    }),
  }
}

export function newHour(chance: Chance, startMs: number): Hour {
  const requests = Array.from({ length: REQUESTS_PER_HOUR }, (_, n): Asked => {
    const id = `${startMs}-${n}`
    const records = Array.from({ length: ROWS_PER_REQUEST }, (__, row) => ({
      id: `${id}-${row}`,
      at: new Date(startMs + chance.between(0, HOUR_MS)).toISOString(),
      carrier: chance.pick(['AA', 'B6', 'UA']),
      hour: chance.between(5, 23),
      distance: chance.between(100, 3000),
    }))
    const labels = records.map((__, row) => (n * ROWS_PER_REQUEST + row) % 2)
    return { id, records, labels, answer: undefined }
  })
  return { startMs, requests, truthsTold: false, over: false }
}

/** Lives through what is left of an hour; gives false when the server was lost on the way. */
export async function live(client: Client, hour: Hour): Promise<boolean> {
  const open = hour.requests.filter((asked) => asked.answer === undefined)
  const answered = await Promise.all(open.map((asked) => ask(client, asked)))
  if (answered.includes(false)) return false
  if (!hour.truthsTold) {
    const told = await Promise.all(
      hour.requests.map((asked) =>
        client.post(`/api/v1/endpoints/${ENDPOINT}/ground-truth`, {
          truths: asked.records.map(({ id }, row) => ({ key: id, label: asked.labels[row] })),
        }),
      ),
    )
    if (told.some((outcome) => !outcome.answered)) return false
    hour.truthsTold = true
  }
  const time = new Date(hour.startMs + HOUR_MS).toISOString()
  const { answered: heard } = await client.post(`/api/v1/endpoints/${ENDPOINT}/watermark`, { time })
  if (heard) hour.over = true
  return heard
}

async function ask(client: Client, asked: Asked): Promise<boolean> {
  const outcome = await client.post<Answer>(
    `/api/v1/endpoints/${ENDPOINT}/predictions`,
    { records: asked.records },
    { 'x-request-id': asked.id },
  )
  if (outcome.answered) asked.answer = outcome.value
  return outcome.answered
}

export async function firstChampion(client: Client, folder: string): Promise<void> {
  const body = { experiment_id: '0', start_time: Date.now() }
  const created = await client.post<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    `${API}/runs/create`,
    body,
  )
  const { run_id, artifact_uri } = sure(created).run.info
  const path = artifact_uri.replace(/^mlflow-artifacts:\/*/, '')
  for (const [name, bytes] of await filesOfModel(FLIGHTS))
    sure(await client.put(`/api/2.0/mlflow-artifacts/artifacts/${path}/model/${name}`, bytes))
  sure(await client.post(`${API}/registered-models/create`, { name: MODEL }))
  const version = { name: MODEL, source: `${artifact_uri}/model`, run_id }
  sure(await client.post(`${API}/model-versions/create`, version))
  sure(await client.post('/api/v1/projects', { origin: folder }))
  sure(await client.post('/api/v1/promotions', { model: MODEL, version: 1, alias: 'champion' }))
}

export async function stateOf(client: Client): Promise<string> {
  const { endpoints } = sure(
    await client.get<{ endpoints: { name: string; state: string }[] }>('/api/v1/endpoints'),
  )
  return endpoints.find(({ name }) => name === ENDPOINT)?.state ?? 'absent'
}

/** Waits until an hour is judged; gives false when the server was lost on the way. */
async function judged(
  client: Client,
  hour: Hour | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (hour === undefined) return true
  while (!signal.aborted) {
    const answer = await windowOf(client, hour)
    if (!answer.answered) return false
    if (answer.value !== undefined) return true
    await sleep(50)
  }
  return true
}

/** What is told of the window of an hour; undefined while it is not judged. */
async function windowOf(client: Client, hour: Hour): Promise<Outcome<WindowWire | undefined>> {
  const start = new Date(hour.startMs).toISOString()
  const page = await client.get<{ windows: WindowWire[] }>(
    `/api/v1/endpoints/${ENDPOINT}/windows?limit=1&before=${new Date(hour.startMs + 1).toISOString()}`,
  )
  if (!page.answered) return page
  return { answered: true, value: page.value.windows.find((each) => each.start === start) }
}

interface LogPage {
  predictions: { id: string; label: unknown; key: string }[]
  next: string | null
}

/** What the log and the windows tell of an hour, against what its clients know. */
async function hourFaults(client: Client, hour: Hour): Promise<string[]> {
  const name = `hour ${new Date(hour.startMs).toISOString()}`
  const from = hour.startMs
  const expected = new Map(
    hour.requests
      .filter((asked) => asked.answer !== undefined)
      .flatMap((asked) =>
        asked.labels.map((label, row): [string, number | null] => [
          `${asked.id}-${row}`,
          hour.truthsTold ? label : null,
        ]),
      ),
  )
  const { predictions } = sure(
    await client.get<LogPage>(
      `/api/v1/endpoints/${ENDPOINT}/predictions?from=${from}&to=${from + HOUR_MS}&limit=10000&role=live`,
    ),
  )
  const wrong: string[] = []
  const times = new Map<string, number>()
  for (const { id, label } of predictions) {
    times.set(id, (times.get(id) ?? 0) + 1)
    const right = expected.get(id)
    if (right === undefined) wrong.push(`${name}: ${id} is logged and was never answered`)
    else if (right !== null && label !== right)
      wrong.push(`${name}: the label of ${id} is ${String(label)} and was told as ${right}`)
  }
  for (const id of expected.keys())
    if (times.get(id) !== 1) wrong.push(`${name}: ${id} is logged ${times.get(id) ?? 0} times`)
  return hour.over ? [...wrong, ...(await windowFaults(client, hour, expected.size))] : wrong
}

interface WindowWire {
  start: string
  predictions: number
  performance: { labels: number } | null
}

async function windowFaults(client: Client, hour: Hour, rows: number): Promise<string[]> {
  const start = new Date(hour.startMs).toISOString()
  const window = await eventually(
    async () => sure(await windowOf(client, hour)),
    (found) => found !== undefined && found.performance !== null,
    { what: `the window ${start} is evaluated`, withinMs: PATIENCE_MS },
  )
  return window?.predictions === rows && window.performance?.labels === rows
    ? []
    : [
        `the window ${start} counts ${window?.predictions} predictions and ${window?.performance?.labels} labels of ${rows}`,
      ]
}

/** A request that was answered is answered again in the same words. */
async function repeatFaults(
  client: Client,
  chance: Chance,
  hours: readonly Hour[],
): Promise<string[]> {
  const answered = hours
    .flatMap((hour) => hour.requests)
    .filter((asked) => asked.answer !== undefined)
  if (answered.length === 0) return []
  const asked = chance.pick(answered)
  const again: Asked = { ...asked, answer: undefined }
  if (!(await ask(client, again))) return ['the server was lost although nobody had ended it']
  const [one, other] = [asked.answer, again.answer].map((answer) => JSON.stringify(answer))
  return one === other ? [] : [`the answer to ${asked.id} was ${one} and is ${other}`]
}
