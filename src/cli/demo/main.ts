import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { environment } from '#app/settings/config'
import { systemClock } from '#base/clock'
import { messageOf, Problem } from '#base/problem'
import { apiClient, type ApiClient } from '../client.ts'
import { traceLines, type ShownTrace } from '../commands/trace.ts'
import { readMonth, type Month } from './flights.ts'
import { makeProject, type DemoProject } from './project.ts'
import { endEarlierServer, patiently, startDemoServer, type DemoServer } from './server.ts'
import { createStoryteller, type Storyteller } from './story.ts'
import {
  type Span,
  monthSummary,
  summaryTable,
  verdict,
  type MonthSummary,
  type Summary,
} from './summary.ts'
import { atRest, createPlayer } from './year.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const PLACE = join(ROOT, '.orrery', 'demo')
const HOME = join(PLACE, 'home')
const MODEL = 'flights-late'
const MONTHS = Array.from({ length: 12 }, (_, at) => `2013-${String(at + 1).padStart(2, '0')}`)
const TRAINED_ON = 2
const VARIABLES = { ...environment, ORRERY_ENVIRONMENTS: join(ROOT, '.orrery', 'environments') }
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const say = (line: string) => void process.stdout.write(`${line}\n`)

interface Demo {
  readonly server: DemoServer
  readonly project: DemoProject
  readonly api: ApiClient
  readonly story: Storyteller
}

/** Plays a year of flights through the whole loop and shows what came of it. */
async function main(args: readonly string[]): Promise<void> {
  const flags = yargs([...args])
    .scriptName('npm run demo --')
    .option('exit', { type: 'boolean', default: false, describe: 'Stop the server at the end' })
    .option('months', {
      type: 'number',
      default: 10,
      describe: 'Months to play after training, 1 to 10',
    })
    .option('json', { type: 'string', describe: 'Write the summary to this file' })
    .strict()
    .check(({ months }) => {
      if (Number.isInteger(months) && months >= 1 && months <= 10) return true
      throw new Problem('invalid', `--months is ${months}; it must be a whole number from 1 to 10`)
    })
    .parseSync()
  const server = await freshServer()
  try {
    const demo = await prepared(server)
    const startedMs = systemClock.nowMs()
    await firstChampion(demo)
    const months = await playMonths(demo, MONTHS.slice(TRAINED_ON, TRAINED_ON + flags.months))
    const trace = await onePrediction(demo.api)
    const seconds = Math.round((systemClock.nowMs() - startedMs) / 100) / 10
    tell({ months, trace, seconds })
    if (flags.json !== undefined)
      await writeFile(
        resolve(flags.json),
        `${JSON.stringify({ months, trace, seconds }, null, 2)}\n`,
      )
  } catch (error) {
    await server.stop()
    throw error
  }
  if (flags.exit) await server.stop()
  else {
    server.leave()
    say(
      `\nThe server stays up; stop it with "kill $(node -p 'require("./.orrery/demo/home/server.json").pid')". Look around:`,
    )
    say(server.url)
  }
}

function patientClient(url: string): ApiClient {
  const api = apiClient(url)
  return {
    ...api,
    get: (path, query) => patiently(url, () => api.get(path, query)),
    post: (path, body) => patiently(url, () => api.post(path, body)),
  }
}

/** A server with a fresh home; what an earlier demo left is ended and removed. Python environments are kept, being the same. */
async function freshServer(): Promise<DemoServer> {
  await endEarlierServer(HOME)
  await rm(join(PLACE, 'flights'), { recursive: true, force: true })
  await rm(join(PLACE, 'storage'), { recursive: true, force: true })
  await rm(HOME, { recursive: true, force: true })
  await mkdir(HOME, { recursive: true })
  say('Starting the server …')
  return startDemoServer({ home: HOME, variables: VARIABLES, say })
}

async function prepared(server: DemoServer): Promise<Demo> {
  const project = await makeProject({
    example: join(ROOT, 'examples', 'flights'),
    home: HOME,
    url: server.url,
    variables: VARIABLES,
  })
  const api = patientClient(server.url)
  say(`The server is up at ${server.url}; the project lies in ${project.folder}`)
  say('Building the Python environment of the project (once) …')
  await project.orrery('environment')
  return { server, project, api, story: createStoryteller(api, say) }
}

/** January and February: versioned, trained on, registered, checked against nothing yet, deployed. */
async function firstChampion({ project, api, story }: Demo): Promise<void> {
  say('\nJanuary and February: data version → pipeline → registered model → checks → endpoint')
  await project.addMonths(MONTHS.slice(0, TRAINED_ON), 'Flights of January and February')
  await project.orrery('project', 'add', project.folder)
  await project.orrery('repro')
  await project.git('add', '--all')
  await project.git('commit', '--quiet', '--message', 'First model')
  await project.orrery('push')
  await project.orrery('project', 'sync', 'flights')
  await project.orrery('alias', `${MODEL}:1`, 'baseline')
  await project.orrery('promote', `${MODEL}:1`, 'champion')
  await atRest(api.url)
  await story.catchUp()
}

async function playMonths(
  { project, api, story }: Demo,
  names: readonly string[],
): Promise<MonthSummary[]> {
  const player = createPlayer({ url: api.url, endpoint: MODEL })
  const spans: Span[] = []
  for (const name of names) {
    const month = await readMonth(
      join(ROOT, 'examples', 'flights', 'months', `${name}.parquet`),
      name,
    )
    const flights = [...month.hours.values()].reduce((sum, hour) => sum + hour.length, 0)
    say(`\n${name}: ${flights} flights in ${month.hours.size} hourly requests`)
    spans.push(spanOf(month))
    await player.play(month, () => story.catchUp())
    await project.addMonths([name], `Flights of ${name}`)
    await project.orrery('project', 'sync', 'flights')
    await story.catchUp()
  }
  await player.finish()
  await story.catchUp()
  const months: MonthSummary[] = []
  for (const span of spans) months.push(await monthSummary(api, MODEL, span, story.entries))
  return months
}

function spanOf({ name, hours }: Month): Span {
  const times = [...hours.keys()]
  return { month: name, fromMs: Math.min(...times), toMs: Math.max(...times) + HOUR_MS }
}

/** One of the last predictions that were made, walked back. */
async function onePrediction(api: ApiClient): Promise<ShownTrace> {
  const { endpoints } = await api.get<{ endpoints: { name: string; watermark: string | null }[] }>(
    '/endpoints',
  )
  const watermark = endpoints.find(({ name }) => name === MODEL)?.watermark ?? ''
  const from = new Date(Date.parse(watermark) - 5 * DAY_MS).toISOString()
  const { predictions } = await api.get<{ predictions: { id: string }[] }>(
    `/endpoints/${MODEL}/predictions`,
    { from, limit: 1 },
  )
  const id = predictions[0]?.id
  if (id === undefined) throw new Problem('not-found', `nothing was predicted after ${from}`)
  return api.get(`/predictions/${encodeURIComponent(id)}/trace`)
}

function tell({ months, trace, seconds }: Summary): void {
  say(`\n${summaryTable(months)}\n`)
  say(verdict(months))
  say(`Played in ${seconds} s.\n`)
  say(traceLines(trace).join('\n'))
}

try {
  await main(hideBin(process.argv))
} catch (error) {
  process.stderr.write(`demo: ${messageOf(error)}\n`)
  if (!(error instanceof Problem) && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`)
  process.exitCode = 1
}
