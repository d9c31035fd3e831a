import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, spawnServer, type ServerProcess } from '../process.ts'
import { pythonBin } from '../python.ts'
import type { LoggedPrediction } from './book.ts'
import { onnxFiles, pythonFiles } from './models.ts'
import { kill, startedBy, type Running } from './processes.ts'

const MLFLOW = '/api/2.0/mlflow'
const UP_MS_MAX = 60_000

/** Always loaded, and of Python; loaded on demand; always loaded. */
export const PYTHON = 'snake'
export const ON_DEMAND = 'coming'
export const PINNED = 'steady'
export const ENDPOINTS = [PINNED, ON_DEMAND, PYTHON] as const
export type EndpointName = (typeof ENDPOINTS)[number]
export const VERSIONS = 3

export interface Told {
  readonly status: number
  readonly body: unknown
}

export interface StormWorld {
  readonly home: string
  readonly ports: { readonly server: number; readonly plane: number; readonly grpc: number }
  server(): ServerProcess
  start(): Promise<void>
  /** Asks the server; undefined where nobody answers. */
  ask(method: string, path: string, body?: unknown): Promise<Told | undefined>
  /** Waits until somebody answers at every port. */
  up(): Promise<void>
  /** Ends one process below the server. */
  killOne(which: 'plane' | 'model' | 'python'): Promise<boolean>
  logged(endpoint: EndpointName, from: number, to: number): Promise<LoggedPrediction[]>
  end(): Promise<void>
  remove(): Promise<void>
}

export async function openWorld(): Promise<StormWorld> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-serving-storm-'))
  const ports = { server: await freePort(), plane: await freePort(), grpc: await freePort() }
  const environment = {
    ORRERY_LOG_LEVEL: 'warn',
    ORRERY_SERVING_PORT: String(ports.plane),
    ORRERY_GRPC_PORT: String(ports.grpc),
    ORRERY_MODEL_PYTHON: join(pythonBin(), 'python'),
    // Small, so that kills meet the sealing of segments as well.
    ORRERY_SEAL_ROWS: '3000',
  }
  const spawn = () => spawnServer({ home, port: ports.server, environment })
  let server = await spawn()
  const ask = asker(`http://127.0.0.1:${ports.server}`)
  const world: StormWorld = {
    home,
    ports,
    server: () => server,
    start: async () => {
      server = await spawn()
    },
    ask,
    up: () => up(ask),
    killOne: async (which) => {
      const all = await startedBy(server.family.pid)
      const isMeant: Record<typeof which, (each: Running) => boolean> = {
        plane: ({ command }) => /plane\/process/.test(command),
        model: ({ command }) => /onnx\/process/.test(command),
        python: ({ command }) => /python[^ ]* .*\.py/.test(command),
      }
      const one = all.find(isMeant[which])
      if (one === undefined) return false
      kill(one.pid)
      while ((await startedBy(server.family.pid)).some(({ pid }) => pid === one.pid)) await sleep(5)
      return true
    },
    logged: (endpoint, from, to) => loggedIn(ask, endpoint, { from, to }),
    end: () => server.family.end(),
    remove: () => rm(home, { recursive: true, force: true }),
  }
  await prepare(ask)
  return world
}

type Ask = StormWorld['ask']

function asker(url: string): Ask {
  return async (method, path, body) => {
    const isBytes = Buffer.isBuffer(body)
    try {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: isBytes || body === undefined ? {} : { 'content-type': 'application/json' },
        ...(body === undefined
          ? {}
          : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
        signal: AbortSignal.timeout(UP_MS_MAX),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw error
      return undefined
    }
  }
}

/** What must be answered, for nobody ends the server now. */
async function sure<T>(ask: Ask, method: string, path: string, body?: unknown): Promise<T> {
  const told = await ask(method, path, body)
  if (told === undefined || told.status >= 300)
    throw new Error(`${method} ${path}: ${JSON.stringify(told)}`)
  return told.body as T
}

async function prepare(ask: Ask): Promise<void> {
  for (const name of ENDPOINTS) {
    await sure(ask, 'POST', `${MLFLOW}/registered-models/create`, { name })
    for (let version = 1; version <= VERSIONS; version++)
      await register(ask, name, name === PYTHON ? pythonFiles(version) : await onnxFiles(version))
    const alias = { name, alias: 'live', version: '1' }
    await sure(ask, 'POST', `${MLFLOW}/registered-models/alias`, alias)
    const pin = name !== ON_DEMAND
    await sure(ask, 'POST', '/api/v1/endpoints', { name, model: `models:/${name}@live`, pin })
  }
}

async function register(ask: Ask, name: string, files: [string, Buffer][]): Promise<void> {
  const begun = { experiment_id: '0', start_time: 1 }
  const { run } = await sure<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    ask,
    'POST',
    `${MLFLOW}/runs/create`,
    begun,
  )
  const source = `${run.info.artifact_uri}/model`
  const folder = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [file, bytes] of files)
    await sure(ask, 'PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/${file}`, bytes)
  const version = { name, source, run_id: run.info.run_id }
  await sure(ask, 'POST', `${MLFLOW}/model-versions/create`, version)
}

async function up(ask: Ask): Promise<void> {
  for (const endMs = performance.now() + UP_MS_MAX; ; await sleep(20)) {
    // The server passes it on when the plane listens on both of its ports.
    const told = await ask('GET', '/v2/health/live')
    if (told?.status === 200) return
    if (performance.now() > endMs) throw new Error(`it is not up again: ${JSON.stringify(told)}`)
  }
}

async function loggedIn(
  ask: Ask,
  endpoint: string,
  { from, to }: { from: number; to: number },
): Promise<LoggedPrediction[]> {
  const all: LoggedPrediction[] = []
  for (let after = ''; ;) {
    const { predictions, next } = await sure<{
      predictions: LoggedPrediction[]
      next: string | null
    }>(
      ask,
      'GET',
      `/api/v1/endpoints/${endpoint}/predictions?from=${from}&to=${to}&limit=10000&role=live${after}`,
    )
    all.push(...predictions)
    if (next === null) return all
    after = `&after=${encodeURIComponent(next)}`
  }
}
