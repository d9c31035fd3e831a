import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { EndpointTable, ModelSource, Plane } from '#inference'
import { dividedTable } from './divided.ts'
import type { Endpoint } from './endpoint.ts'
import type { ServingReads } from './store.ts'
import { emptyTable } from './table.ts'

const RETRY_FIRST_MS = 500
const RETRY_MS_MAX = 60_000

interface Dependencies {
  readonly read: ServingReads
  readonly models: ModelSource
  readonly plane: Plane
  readonly logger: Logger
}

interface State {
  inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result>
  tell(table: EndpointTable): Promise<void>
  readonly tables: ReadonlyMap<string, EndpointTable>
}

/** Tells the plane of all that served before the server stopped; what cannot be placed is tried again. */
export function createRestoring(
  dependencies: Dependencies,
  { inTurn, tell, tables }: State,
): { restore(): Promise<void>; stop(): void } {
  const { read, plane, logger } = dependencies
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false

  /** A rollout may be quicker, and is not undone. */
  const isAwaited = (name: string) => tables.get(name)?.awaiting !== undefined
  const again = async (name: string, waitMs: number) => {
    const endpoint = isAwaited(name) ? await read.find(name) : undefined
    if (endpoint === undefined) return
    const table = await servedTable(dependencies, endpoint)
    await tell(table)
    if (table.awaiting !== undefined) later(name, Math.min(2 * waitMs, RETRY_MS_MAX))
  }
  const later = (name: string, waitMs: number) => {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      inTurn(name, () => again(name, waitMs)).catch((error: unknown) => {
        logger.error({ endpoint: name, error: messageOf(error) }, 'an endpoint is not restored')
        later(name, RETRY_MS_MAX)
      })
    }, waitMs).unref()
    timers.add(timer)
  }

  return {
    restore: async () => {
      for (const endpoint of await read.list())
        await inTurn(endpoint.name, async () => {
          if (tables.has(endpoint.name) || endpoint.elsewhere === true) return
          const table = await servedTable(dependencies, endpoint)
          await tell(table)
          if (table.awaiting !== undefined) later(endpoint.name, RETRY_FIRST_MS)
        })
      await plane.complete()
    },
    stop: () => {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** The table of what serves by the records. */
async function servedTable(dependencies: Dependencies, endpoint: Endpoint): Promise<EndpointTable> {
  const { live, answering, name, failure } = endpoint
  if (live === null) return emptyTable(endpoint)
  try {
    const weights = answering.map(({ revision, weight }) => ({ revision: revision.number, weight }))
    const table = await dividedTable(dependencies, endpoint, { live: live.number, weights })
    return { ...table, failure }
  } catch (error) {
    const awaiting = messageOf(error)
    dependencies.logger.error(
      { endpoint: name, error: awaiting },
      'what served cannot be placed; it is tried again',
    )
    return { ...emptyTable(endpoint), awaiting }
  }
}
