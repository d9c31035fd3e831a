import type { GraphQLFieldResolver } from 'graphql'

/** Asks one of our own REST endpoints and gives its answer; rejects with the words of its refusal. */
export type Ask = (method: 'GET' | 'POST', path: string, fields: object) => Promise<unknown>

/** Each root field is a REST endpoint under another name. */
const ENDPOINTS = new Map<string, readonly ['GET' | 'POST', string]>([
  ['mlflowGetExperiment', ['GET', 'experiments/get']],
  ['mlflowGetRun', ['GET', 'runs/get']],
  ['mlflowSearchRuns', ['POST', 'runs/search']],
  ['mlflowListArtifacts', ['GET', 'artifacts/list']],
  ['mlflowSearchModelVersions', ['GET', 'model-versions/search']],
  ['mlflowSearchDatasets', ['POST', 'experiments/search-datasets']],
  ['mlflowGetMetricHistoryBulkInterval', ['GET', 'metrics/get-history-bulk-interval']],
])

/** Finds a field in a REST answer, or asks for what stands behind it. */
export const resolveField: GraphQLFieldResolver<unknown, Ask> = async (
  source,
  { input },
  ask,
  { fieldName, parentType, returnType },
) => {
  const endpoint = ENDPOINTS.get(fieldName)
  if (source === undefined && endpoint !== undefined)
    return ask(endpoint[0], endpoint[1], (input ?? {}) as object)
  if (!isRecord(source)) return null
  if (parentType.name === 'MlflowRun' && fieldName === 'experiment')
    return experimentOf(source, ask)
  if (parentType.name === 'MlflowRun' && fieldName === 'modelVersions')
    return versionsOf(source, ask)
  const value = source[fieldName] ?? source[snakeCase(fieldName)]
  // GraphQL has no word for what is not a number.
  if (value === 'NaN') return null
  return value ?? absent(String(returnType))
}

/** REST leaves out what is empty, while a page that asked for it reads it. */
function absent(type: string): unknown {
  if (type.startsWith('[')) return []
  if (type === 'String') return ''
  if (type === 'LongString') return '0'
  return type === 'Boolean' ? false : null
}

async function experimentOf(run: Record<string, unknown>, ask: Ask): Promise<unknown> {
  const { experiment_id } = run['info'] as { experiment_id: string }
  const answer = await ask('GET', 'experiments/get', { experiment_id })
  return (answer as { experiment: unknown }).experiment
}

async function versionsOf(run: Record<string, unknown>, ask: Ask): Promise<unknown> {
  const { run_id } = run['info'] as { run_id: string }
  const answer = await ask('GET', 'model-versions/search', { filter: `run_id='${run_id}'` })
  return (answer as { model_versions?: unknown }).model_versions ?? []
}

/** `runId` as `run_id`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
