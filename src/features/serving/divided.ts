import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { EndpointTable, ModelSource, Revision } from '#inference'
import type { Endpoint } from './endpoint.ts'
import type { Candidate } from './plan.ts'
import type { RevisionWeight, ServingReads } from './store.ts'
import { tableOf } from './table.ts'

/** What answers, and which revision the endpoint stands for. */
export interface Division {
  readonly live: number
  readonly weights: readonly RevisionWeight[]
}

/** The table in which these revisions answer, and the same shadows as before. */
export async function dividedTable(
  { read, models, logger }: { read: ServingReads; models: ModelSource; logger: Logger },
  endpoint: Endpoint,
  { live, weights }: Division,
): Promise<EndpointTable> {
  const candidate = async (revision: Revision): Promise<Candidate> => ({
    revision,
    servable: await models.get(revision.model, revision.version),
  })
  const answering = await Promise.all(
    weights.map(async ({ revision: number, weight }) => {
      const revision = await read.findRevision(endpoint.name, number)
      if (revision === undefined || revision.role !== 'live') throw noRevision(endpoint, number)
      return { ...(await candidate(revision)), weight }
    }),
  )
  const shadows = await Promise.all(endpoint.shadowing.map(candidate))
  const stands = answering.find(({ revision }) => revision.number === live)
  if (stands === undefined) throw noRevision(endpoint, live)
  return tableOf(models, endpoint, { live: stands, answering, shadows }, logger)
}

function noRevision({ name }: Endpoint, number: number): Problem {
  return new Problem(
    'not-found',
    `endpoint ${name} never had a revision ${number} that answers; "orrery endpoints ${name}" shows what it has`,
  )
}
