import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LOOP, filesOfModel } from './models.ts'

const MLFLOW = '/api/2.0/mlflow'

/** What the REST API says of a rollout. */
export interface ShownRollout {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly state: string
  readonly step: number
  readonly share: number
  readonly reason: string | null
  readonly ended: string | null
  readonly numbers: {
    e: number
    threshold: number
    guards: { guard: string; e: number; new: { n: number } }[]
  }
}

/** Asks a server and reads the JSON that it answers. */
function asker(url: () => string) {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${url()}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            body: Buffer.isBuffer(body) ? body : JSON.stringify(body),
            headers: Buffer.isBuffer(body) ? {} : { 'content-type': 'application/json' },
          }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }
}

/** A person who has a server and a project that serves `loops` as its `champion`, step by step. */
export function rolloutsAt(url: () => string) {
  const ask = asker(url)
  const endpoint = () =>
    ask<{
      state: string
      failure: string | null
      live: { version: number; revision: number } | null
      answering: { revision: number; weight: number }[]
    }>('GET', '/api/v1/endpoints/loops')
  const newest = () =>
    ask<ShownRollout>('GET', '/api/v1/endpoints/loops/rollouts/newest').catch(() => undefined)
  return {
    ask,
    endpoint,
    newest,
    /** Registers a fixture as the next version of the model. */
    register: (file: string) => register(ask, file),
    createModel: () => ask('POST', `${MLFLOW}/registered-models/create`, { name: 'loops' }),
    point: (version: number) =>
      ask('POST', `${MLFLOW}/registered-models/alias`, {
        name: 'loops',
        alias: 'champion',
        version: String(version),
      }),
    order: (order: string, reason?: string) =>
      ask<ShownRollout>(
        'POST',
        `/api/v1/endpoints/loops/rollouts/${order}`,
        reason === undefined ? {} : { reason },
      ),
    /** Waits for the newest rollout to come to something. */
    until: async (
      holds: (rollout: ShownRollout) => boolean,
      limitMs = 30_000,
    ): Promise<ShownRollout> => {
      for (const endMs = Date.now() + limitMs; ; await sleep(50)) {
        const rollout = await newest()
        if (rollout !== undefined && holds(rollout)) return rollout
        if (Date.now() > endMs) throw new Error(`it stays as it is: ${JSON.stringify(rollout)}`)
      }
    },
    serves: async () => {
      for (const endMs = Date.now() + 60_000; ; await sleep(100)) {
        const { state, failure } = await endpoint().catch(() => ({ state: 'none', failure: null }))
        if (state === 'ready') return
        if (Date.now() > endMs) throw new Error(`loops does not serve: ${state} ${failure}`)
      }
    },
    facts: async (type: string) =>
      (
        await ask<{ entries: { type: string; data: Record<string, unknown> }[] }>(
          'GET',
          '/api/v1/ledger/entries?limit=1000',
        )
      ).entries.filter((entry) => entry.type === type),
  }
}

async function register(ask: ReturnType<typeof asker>, file: string): Promise<number> {
  const { run } = await ask<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    'POST',
    `${MLFLOW}/runs/create`,
    { experiment_id: '0', start_time: 1 },
  )
  const source = `${run.info.artifact_uri}/model`
  const folder = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [name, bytes] of await filesOfModel({ ...LOOP, file }))
    await ask('PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/${name}`, bytes)
  const { model_version: made } = await ask<{ model_version: { version: string } }>(
    'POST',
    `${MLFLOW}/model-versions/create`,
    { name: 'loops', source, run_id: run.info.run_id },
  )
  return Number(made.version)
}

export type Person = ReturnType<typeof rolloutsAt>

/** A Git repository whose `orrery.yaml` says how `loops` is served. */
export function loopsProject(
  rollout: string,
): Promise<{ origin: string; remove(): Promise<void> }> {
  return projectOf(`project: loops
endpoints:
  loops:
    model: models:/loops@champion
    rollout: ${rollout}
`)
}

/** A Git repository with this `orrery.yaml`. */
export async function projectOf(
  config: string,
): Promise<{ origin: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-project-'))
  const origin = join(folder, 'project')
  await mkdir(origin)
  await writeFile(join(origin, 'orrery.yaml'), config)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  git('commit', '--quiet', '--message', 'The project')
  return { origin, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** What callers were answered. */
export interface Answers {
  readonly statuses: number[]
  readonly revisions: number[]
  /** Requests that nobody answered. */
  readonly lost: string[]
}

/** Callers who ask all the time until they are told to stop. */
export function callers(
  url: () => string,
  how: { count: number; pauseMs: number; headers?: (caller: number) => Record<string, string> },
): { readonly answers: Answers; stop(): Promise<Answers> } {
  const answers: Answers = { statuses: [], revisions: [], lost: [] }
  const going = new AbortController()
  const done = Promise.all(
    Array.from({ length: how.count }, async (_, caller) => {
      while (!going.signal.aborted) {
        try {
          const answer = await fetch(`${url()}/endpoints/loops/invocations`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...how.headers?.(caller) },
            body: '{"inputs":{"rounds":[5]}}',
          })
          await answer.text()
          answers.statuses.push(answer.status)
          answers.revisions.push(Number(answer.headers.get('x-revision')))
        } catch (error) {
          answers.lost.push(String(error))
        }
        await sleep(how.pauseMs)
      }
    }),
  )
  return {
    answers,
    stop: async () => {
      going.abort()
      await done
      return answers
    },
  }
}
