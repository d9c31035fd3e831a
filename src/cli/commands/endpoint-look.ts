import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AskingWire,
  EndpointShown,
  ExperimentShown,
  LiveWire,
  RecentPredictionsWire,
  RolloutShown,
} from '#protocols/api/endpoint-wire'
import { Problem } from '#base/problem'
import type { ApiClient } from '../client.ts'
import { cellOf, tableLines, timeOf } from '../table.ts'

/** What a look gives: the value for --json and the lines for people. */
export interface Looked {
  readonly value: unknown
  readonly lines: readonly string[]
}

interface Traffic {
  readonly endpoint: string
  readonly requestsPerSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** Endpoints by name, a page at a time, with how they do now. */
export async function listed(
  api: ApiClient,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Looked> {
  const [{ endpoints: all }, { endpoints: traffic }] = await Promise.all([
    api.get<{ endpoints: EndpointShown[] }>('/endpoints'),
    api.get<{ endpoints: Traffic[] }>('/overview/traffic'),
  ])
  const ordered = all.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const rest = ordered.filter(({ name }) => after === undefined || name > after)
  const page = rest.slice(0, limit)
  const lives = await Promise.all(page.map(({ name }) => api.get<LiveWire>(`${at(name)}/live`)))
  const endpoints = page.map((endpoint, index) => ({
    ...endpoint,
    requestsPerSecond: traffic.find((each) => each.endpoint === endpoint.name)?.requestsPerSecond,
    p50Ms: lives[index]?.p50Ms ?? null,
    p99Ms: lives[index]?.p99Ms ?? null,
    memoryBytes: memoryIn(lives[index]),
  }))
  const next = rest.length > page.length ? (page.at(-1)?.name ?? null) : null
  const rows = endpoints.map((each) => [
    each.name,
    each.state,
    each.answering
      .map(({ revision, modelVersion }) => `${revision} = ${modelVersion}`)
      .join(', ') || `waits for ${each.model}`,
    weightsOf(each),
    cellOf(each.requestsPerSecond),
    msOf(each.p50Ms),
    msOf(each.p99Ms),
    megabytes(each.memoryBytes),
  ])
  const heads = ['ENDPOINT', 'STATE', 'REVISION', 'WEIGHTS', 'RPS', 'P50', 'P99', 'MEMORY']
  return {
    value: { endpoints, next },
    lines: [
      ...(rows.length === 0
        ? [
            'Nothing serves yet; make one with "orrery endpoint create NAME --model models:/NAME@ALIAS".',
          ]
        : tableLines(heads, rows)),
      ...(next === null ? [] : [`more: --after ${next}`]),
    ],
  }
}

/** Everything about one endpoint. */
export async function shownWhole(api: ApiClient, name: string): Promise<Looked> {
  const endpoint = await api.get<EndpointShown & { settings?: unknown }>(at(name))
  const [live, { revisions }, { rollouts }, { experiment }, asking] = await Promise.all([
    api.get<LiveWire>(`${at(name)}/live`),
    api.get<{ revisions: EndpointShown['answering'] }>(`${at(name)}/revisions`, { limit: 10 }),
    api.get<{ rollouts: RolloutShown[] }>(`${at(name)}/rollouts`, { limit: 1 }),
    api.get<{ experiment: ExperimentShown | null }>(`${at(name)}/experiment`),
    endpoint.live === null ? null : askingOf(api, name),
  ])
  const [rollout] = rollouts
  const total = endpoint.answering.reduce((sum, { weight }) => sum + weight, 0) || 1
  const rows = revisions.map(({ revision, modelVersion, role, created }) => {
    const weight = endpoint.answering.find((each) => each.revision === revision)?.weight
    const recent = live.revisions.find((each) => each.revision === revision)
    return [
      String(revision),
      modelVersion,
      role,
      weight === undefined ? '-' : `${cellOf((100 * weight) / total)} %`,
      cellOf(recent?.requests ?? 0),
      msOf(recent?.p50Ms ?? null),
      msOf(recent?.p99Ms ?? null),
      timeOf(created),
    ]
  })
  return {
    value: {
      ...endpoint,
      revisions,
      recent: live,
      rollout: rollout ?? null,
      experiment,
      asking: asking instanceof Problem ? null : asking,
    },
    lines: [
      `${name}: ${endpoint.state}, serves ${endpoint.model}${endpoint.project === '' ? '' : `, declared by project ${endpoint.project}`}`,
      ...(endpoint.reason === null ? [] : [`${endpoint.state}: ${endpoint.reason}`]),
      ...(endpoint.failure === null ? [] : [`last rollout failed: ${endpoint.failure}`]),
      ...tableLines(
        ['REVISION', 'VERSION', 'ROLE', 'TRAFFIC', 'LAST 5 MIN', 'P50', 'P99', 'CREATED'],
        rows,
      ),
      `memory ${megabytes(memoryIn(live))}`,
      ...(endpoint.settings === null || endpoint.settings === undefined
        ? []
        : [`limits ${JSON.stringify(endpoint.settings)}`]),
      ...(rollout === undefined
        ? []
        : [
            `rollout ${rollout.from} → ${rollout.to}: ${rollout.state}, step ${rollout.step} of ${rollout.steps.length}, ${rollout.share} %`,
          ]),
      ...(experiment === null ? [] : experimentLines(experiment)),
      ...(asking === null ? [] : addressLines(asking, endpoint.reason)),
    ],
  }
}

function shareOf(part: number): string {
  return `${cellOf(100 * part)} %`
}

function experimentLines({ by, since, arms }: ExperimentShown): string[] {
  return [
    `experiment (${by}), by the rewards told since ${timeOf(since)}:`,
    ...tableLines(
      ['REVISION', 'TRAFFIC', 'REWARDS', 'MEAN', 'EARNS MOST'],
      arms.map((arm) => [
        String(arm.revision),
        shareOf(arm.share),
        String(arm.rewards),
        arm.mean === null ? '-' : cellOf(arm.mean),
        arm.best === null ? 'too few rewards' : shareOf(arm.best),
      ]),
    ),
  ]
}

/** How it is asked; a model that cannot be loaded is no reason to tell nothing of its endpoint. */
async function askingOf(api: ApiClient, name: string): Promise<AskingWire | Problem> {
  try {
    return await api.get<AskingWire>(`${at(name)}/asking`)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

function addressLines(asking: AskingWire | Problem, reason: string | null): string[] {
  if (asking instanceof Problem)
    return asking.message === reason ? [] : [`it cannot be asked: ${asking.message}`]
  const { addresses, ways } = asking
  return [
    `HTTP ${addresses.http}   gRPC ${addresses.grpc}`,
    ...ways.map(({ protocol, curl }) => `${protocol}:\n  ${curl}`),
  ]
}

interface Tried {
  readonly protocol: string
  readonly url: string
  readonly status: number
  readonly ms: number
  readonly answer: string
}

const ANSWER_CHARS_MAX = 200

/** Asks an endpoint the input example of its model, in every protocol that the model can be asked in. */
export async function tried(api: ApiClient, name: string): Promise<Looked & { failed: boolean }> {
  const { ways, sample, modelVersion } = await api.get<AskingWire>(`${at(name)}/asking`)
  const tries: Tried[] = []
  for (const { protocol, url, body } of ways) {
    const startedMs = performance.now()
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).catch((error: unknown) => error as Error)
    const ms = performance.now() - startedMs
    const text = answer instanceof Error ? answer.message : await answer.text()
    const status = answer instanceof Error ? 0 : answer.status
    tries.push({ protocol, url, status, ms, answer: text })
  }
  const rows = tries.map((each) => [
    each.protocol,
    each.status === 200 ? 'answered' : `failed (${each.status})`,
    msOf(each.ms),
    each.answer.slice(0, ANSWER_CHARS_MAX),
  ])
  return {
    failed: tries.some(({ status }) => status !== 200),
    value: { endpoint: name, modelVersion, isExample: sample.isExample, tries },
    lines: [
      `${name} answers with ${modelVersion}; asked ${sample.isExample ? 'its input example' : 'made-up values, for the model brought no example'}`,
      ...tableLines(['PROTOCOL', 'RESULT', 'TOOK', 'ANSWER'], rows),
    ],
  }
}

type Prediction = RecentPredictionsWire['predictions'][number]

/** The newest predictions of an endpoint, or what it did not answer. */
export async function logged(
  api: ApiClient,
  name: string,
  { limit, before, failed }: { limit: number; before?: string | undefined; failed: boolean },
): Promise<Looked> {
  if (failed) {
    const { failures } = await api.get<LiveWire>(`${at(name)}/live`)
    const rows = failures
      .slice(0, limit)
      .map((each) => [timeOf(each.at), each.protocol, each.kind, each.message])
    return {
      value: { failures: failures.slice(0, limit) },
      lines:
        rows.length === 0
          ? ['Nothing was left unanswered since the plane was started.']
          : tableLines(['TIME', 'PROTOCOL', 'KIND', 'REASON'], rows),
    }
  }
  const page = await api.get<RecentPredictionsWire>(`${at(name)}/predictions/newest`, {
    limit,
    before,
  })
  return {
    value: page,
    lines: [
      ...(page.predictions.length === 0
        ? ['No prediction is in the log yet.']
        : tableLines(
            ['TIME', 'PREDICTION', 'REVISION', 'TOOK', 'LABEL', 'INPUTS', 'OUTPUTS'],
            page.predictions.map(cellsOf),
          )),
      ...(page.next === null ? [] : [`more: --before ${page.next}`]),
    ],
  }
}

const FOLLOW_MS = 1000
const FOLLOWED_MAX = 1000

/** Prints predictions as they come, until it is interrupted or nobody reads them. */
export async function follow(
  api: ApiClient,
  name: string,
  print: (prediction: Prediction, line: string) => void,
): Promise<void> {
  const seen = new Set<string>()
  for (let isFirst = true; process.stdout.errored === null; isFirst = false) {
    const { predictions } = await api.get<RecentPredictionsWire>(`${at(name)}/predictions/newest`, {
      limit: isFirst ? 10 : FOLLOWED_MAX,
    })
    for (const each of predictions.toReversed()) {
      const key = `${each.id} ${each.revision}`
      if (seen.has(key)) continue
      seen.add(key)
      print(each, cellsOf(each).join('  '))
    }
    for (const key of [...seen].slice(0, Math.max(0, seen.size - 2 * FOLLOWED_MAX)))
      seen.delete(key)
    await sleep(FOLLOW_MS)
  }
}

function cellsOf(each: Prediction): string[] {
  return [
    timeOf(each.at),
    each.id,
    `${each.revision} = ${each.modelVersion}${each.role === 'shadow' ? ' (shadow)' : ''}`,
    msOf(each.latencyMs),
    each.label === null ? '-' : JSON.stringify(each.label),
    JSON.stringify(each.inputs),
    JSON.stringify(each.outputs),
  ]
}

function weightsOf({ answering }: EndpointShown): string {
  return answering.length < 2 ? '-' : answering.map(({ weight }) => cellOf(weight)).join(':')
}

function memoryIn(live: LiveWire | undefined): number | null {
  if (live === undefined || live.memory.length === 0) return null
  return live.memory.reduce((sum, { bytes }) => sum + bytes, 0)
}

function msOf(value: number | null): string {
  return value === null ? '-' : `${Number(value.toPrecision(3))} ms`
}

function megabytes(bytes: number | null): string {
  return bytes === null ? '-' : `${Math.round(bytes / 1e6)} MB`
}

function at(name: string): string {
  return `/endpoints/${encodeURIComponent(name)}`
}
