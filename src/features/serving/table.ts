import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { EndpointTable, ModelSource, PlacedFiles, PlacedRevision } from '#inference'
import type { Endpoint } from './endpoint.ts'
import type { Candidate, WeightedCandidate } from './plan.ts'

/** What the plane is told of an endpoint: its models' files are placed on this machine. A shadow that has none is left out. */
export async function tableOf(
  models: ModelSource,
  endpoint: Endpoint,
  lineup: {
    live: Candidate
    answering: readonly WeightedCandidate[]
    shadows: readonly Candidate[]
  },
  logger: Logger,
): Promise<EndpointTable> {
  const { live, answering, shadows } = lineup
  const placed = async ({ revision, servable }: Candidate): Promise<PlacedRevision> => ({
    revision,
    servable,
    files: withSettings(await models.place(revision.model, revision.version), endpoint),
  })
  // What the endpoint stands for comes first.
  const inOrder = answering.toSorted(
    (one, other) => Number(isSame(other, live)) - Number(isSame(one, live)),
  )
  const revisions = await Promise.all(inOrder.map(placed))
  const shadowing: PlacedRevision[] = []
  for (const shadow of shadows)
    try {
      shadowing.push(await placed(shadow))
    } catch (error) {
      logger.warn({ revision: shadow.revision, error: messageOf(error) }, 'a shadow is left out')
    }
  return {
    ...emptyTable(endpoint),
    routing: {
      endpoint: endpoint.name,
      revisions: inOrder.map(({ revision, weight }) => ({
        revision: revision.number,
        version: revision.version,
        weight,
      })),
      shadows: shadowing.map(({ revision }) => ({ revision: revision.number, share: 1 })),
      override: overrideOf(endpoint),
    },
    revisions: [...revisions, ...shadowing],
    labels: await models.labels(live.revision.model),
    failure: null,
  }
}

/** What the endpoint says of Python goes before what the server does. */
function withSettings(files: PlacedFiles, { settings }: Endpoint): PlacedFiles {
  const shared = settings?.keep === 'on-demand' && files.runs !== 'python'
  if (shared) return { ...files, shared }
  const python = settings?.python
  if (files.runs !== 'python' || python === undefined) return files
  return { ...files, python: { ...files.python, ...python } }
}

function isSame({ revision }: Candidate, other: Candidate): boolean {
  return revision.number === other.revision.number
}

export function overrideOf({ delivery }: Endpoint): 'allowed' | 'refused' {
  return delivery?.override === true ? 'allowed' : 'refused'
}

/** Of an endpoint at which nothing serves. */
export function emptyTable(endpoint: Endpoint): EndpointTable {
  const { name, monitor, log = null, settings = null, failure } = endpoint
  return {
    name,
    monitor,
    log,
    settings,
    routing: { endpoint: name, revisions: [], shadows: [], override: overrideOf(endpoint) },
    revisions: [],
    labels: {},
    failure,
  }
}
