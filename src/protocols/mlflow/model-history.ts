import { Problem } from '#base/problem'

const REQUIRED = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'] as const
const KEPT = ['run_id', 'artifact_path', 'utc_time_created', 'model_uuid'] as const

/** What the history of a run keeps of a model's description, as clients before MLflow 3 send it. */
export function modelHistoryIn(json: string): Record<string, unknown> {
  const model = describedIn(json)
  const missing = REQUIRED.filter((field) => model[field] === undefined)
  if (missing.length > 0)
    throw new Problem('invalid', `Model json is missing mandatory fields: ${missing.join(', ')}`)
  const kept = KEPT.map((field) => [field, model[field] ?? null])
  return { ...Object.fromEntries(kept), flavors: flavorsOf(model['flavors']) }
}

/** The settings of a flavor may be long, and stand in the model's own file. */
function flavorsOf(flavors: unknown): unknown {
  if (!isRecord(flavors)) return flavors
  return Object.fromEntries(
    Object.entries(flavors).map(([flavor, config]) => {
      if (!isRecord(config)) return [flavor, config]
      const { config: _, ...rest } = config
      return [flavor, rest]
    }),
  )
}

function describedIn(json: string): Record<string, unknown> {
  try {
    const model: unknown = JSON.parse(json)
    if (isRecord(model)) return model
  } catch {
    // Told below, with what was no description.
  }
  throw new Problem(
    'invalid',
    `Malformed model info: ${JSON.stringify(json.slice(0, 200))} is not a JSON object`,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
