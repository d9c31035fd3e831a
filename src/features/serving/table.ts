import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { EndpointTable, ModelSource, PlacedRevision } from '#inference'
import type { Endpoint } from './endpoint.ts'
import type { Candidate } from './rollout.ts'

/** What the plane is told of an endpoint: its models' files are placed on this machine. A shadow that has none is left out. */
export async function tableOf(
  models: ModelSource,
  endpoint: Endpoint,
  { live, shadows }: { live: Candidate; shadows: readonly Candidate[] },
  logger: Logger,
): Promise<EndpointTable> {
  const placed = async ({ revision, servable }: Candidate): Promise<PlacedRevision> => ({
    revision,
    servable,
    files: await models.place(revision.model, revision.version),
  })
  const revisions = [await placed(live)]
  for (const shadow of shadows)
    try {
      revisions.push(await placed(shadow))
    } catch (error) {
      logger.warn({ revision: shadow.revision, error: messageOf(error) }, 'a shadow is left out')
    }
  const { revision } = live
  return {
    ...emptyTable(endpoint),
    routing: {
      endpoint: endpoint.name,
      revisions: [{ revision: revision.number, version: revision.version, weight: 1 }],
      shadows: revisions.slice(1).map((each) => ({ revision: each.revision.number, share: 1 })),
      override: 'refused',
    },
    revisions,
    labels: await models.labels(revision.model),
    failure: null,
  }
}

/** Of an endpoint at which nothing serves. */
export function emptyTable({ name, monitor, log = null, failure }: Endpoint): EndpointTable {
  return {
    name,
    monitor,
    log,
    routing: { endpoint: name, revisions: [], shadows: [], override: 'refused' },
    revisions: [],
    labels: {},
    failure,
  }
}
