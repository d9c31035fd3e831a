import { eventually, sure, type Client } from './client.ts'
import { ENDPOINT, MODEL, PROJECT } from './project.ts'

const PATIENCE_MS = 90_000

export interface PolicyRun {
  id: string
  state: 'running' | 'succeeded' | 'failed'
  reason: string | null
  pipelineRun: string | null
  promotion: string | null
}

export interface PipelineRun {
  id: string
  state: string
  cause: string | null
  stageRuns: { stage: string; state: string; run: string | null }[]
}

/** Left in peace, what the kills had interrupted comes to its end; gives what did not. */
export async function automationFaults(client: Client): Promise<string[]> {
  const policyRuns = await eventually(
    () => listOf<PolicyRun>(client, '/policy-runs', 'policyRuns'),
    (runs) => runs.every((run) => run.state !== 'running'),
    { what: 'every policy run ends', withinMs: PATIENCE_MS },
  )
  return [
    ...policyRuns.flatMap(halfDone),
    ...(policyRuns.some((run) => run.state === 'succeeded') ? [] : ['no policy run succeeded']),
    ...(await openPipelines(client)),
    ...(await openRuns(client)),
    ...(await wrongChampion(client)),
  ]
}

function halfDone({ id, state, reason, pipelineRun, promotion }: PolicyRun): string[] {
  if (state === 'failed') return [`policy run ${id} failed: ${reason ?? 'without a reason'}`]
  return pipelineRun !== null && promotion !== null
    ? []
    : [`policy run ${id} succeeded without a pipeline run or a promotion`]
}

async function openPipelines(client: Client): Promise<string[]> {
  const runs = await listOf<{ id: string }>(client, '/pipeline-runs', 'pipelineRuns')
  const whole = await Promise.all(
    runs.map(async ({ id }) =>
      sure(await client.get<PipelineRun>(`/api/v1/pipeline-runs/${encodeURIComponent(id)}`)),
    ),
  )
  return whole.flatMap(({ id, state, stageRuns }) => {
    const open = stageRuns.filter((stage) => stage.state === 'running').map(({ stage }) => stage)
    if (state !== 'running' && open.length === 0) return []
    return [`pipeline run ${id} is ${state}, and of its stages are running: ${open.join(', ')}`]
  })
}

/** No run of a stage goes on for ever in the project's experiment. */
async function openRuns(client: Client): Promise<string[]> {
  const { experiment } = sure(
    await client.get<{ experiment: { experiment_id: string } }>(
      `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${PROJECT}`,
    ),
  )
  const { runs = [] } = sure(
    await client.post<{ runs?: { info: { run_id: string } }[] }>('/api/2.0/mlflow/runs/search', {
      experiment_ids: [experiment.experiment_id],
      filter: "attributes.status = 'RUNNING'",
      max_results: 100,
    }),
  )
  return runs.map(({ info }) => `the stage's run ${info.run_id} was never ended`)
}

/** The champion is the version of the last accepted promotion, and the endpoint serves it. */
async function wrongChampion(client: Client): Promise<string[]> {
  const promotions = await listOf<{ id: string; state: string; version: number; decided: string }>(
    client,
    `/promotions?model=${MODEL}`,
    'promotions',
  )
  const wrong = promotions
    .filter(({ state }) => state === 'checking')
    .map(({ id }) => `promotion ${id} was never decided`)
  const [accepted] = promotions
    .filter(({ state }) => state === 'accepted')
    .toSorted((a, b) => (a.decided < b.decided ? 1 : -1))
  const { registered_model } = sure(
    await client.get<{ registered_model: { aliases: { alias: string; version: string }[] } }>(
      `/api/2.0/mlflow/registered-models/get?name=${MODEL}`,
    ),
  )
  const champion = registered_model.aliases.find(({ alias }) => alias === 'champion')?.version
  if (Number(champion) !== accepted?.version)
    wrong.push(
      `the champion is version ${champion}, version ${accepted?.version} was accepted last`,
    )
  await eventually(
    async () =>
      sure(await client.get<{ live: { version: number } }>(`/api/v1/endpoints/${ENDPOINT}`)),
    ({ live }) => live.version === accepted?.version,
    { what: `the endpoint serves version ${accepted?.version}`, withinMs: PATIENCE_MS },
  )
  return wrong
}

export async function listOf<T>(client: Client, path: string, name: string): Promise<T[]> {
  const items: T[] = []
  let next: string | null = null
  do {
    const query = [`limit=200`, ...(next === null ? [] : [`before=${encodeURIComponent(next)}`])]
    const joined = `${path}${path.includes('?') ? '&' : '?'}${query.join('&')}`
    const page: Record<string, unknown> = sure(await client.get(`/api/v1${joined}`))
    items.push(...(page[name] as T[]))
    next = page['next'] as string | null
  } while (next !== null)
  return items
}
