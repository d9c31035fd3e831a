import { platformActor, type Follower } from '#ledger'
import type { Handler, NewJob, WorkWrites } from '#work'
import { aliasIn } from '#inference'
import type { Serving } from './serving.ts'
import type { SegmentKind, ServingReads } from './store.ts'

const ROLL_OUT = 'roll-out'
const SEAL = 'seal-segment'

/** What serving does when something has happened: it looks whether other versions have to serve now. */
export const rollOuts: Follower<{ serving: ServingReads; work: WorkWrites }> = {
  name: 'roll-outs',
  types: ['endpoint-declared', 'model-alias-moved'],
  follow: async (entry, { serving, work }) => {
    const concerned =
      entry.type === 'endpoint-declared'
        ? [entry.data['endpoint'] as string]
        : await endpointsOf(serving, entry.data as { model: string; alias: string })
    await work.enqueue(
      concerned.map((endpoint) => ({
        kind: ROLL_OUT,
        key: `${ROLL_OUT} ${endpoint} ${entry.position}`,
        payload: { endpoint },
      })),
    )
  },
}

async function endpointsOf(
  serving: ServingReads,
  moved: { model: string; alias: string },
): Promise<string[]> {
  const uses = (uri: string) => {
    const named = aliasIn(uri)
    return named?.model === moved.model && named.alias === moved.alias
  }
  return (await serving.list())
    .filter(({ model, shadows, delivery }) =>
      [model, ...shadows, ...Object.keys(delivery?.traffic ?? {})].some(uses),
    )
    .map(({ name }) => name)
}

export function sealJob(
  { endpoint, kind }: { endpoint: string; kind: SegmentKind },
  id: string,
): NewJob {
  return { kind: SEAL, key: `${SEAL} ${endpoint} ${kind} ${id}`, payload: { endpoint, kind } }
}

/** How serving's jobs are done; each may be done twice. */
export function servingHandlers(serving: Pick<Serving, 'rollOut' | 'seal'>): Handler[] {
  return [
    {
      kind: ROLL_OUT,
      concurrency: 2,
      attemptsMax: 5,
      run: async ({ payload }) => {
        const { endpoint } = payload as { endpoint: string }
        await serving.rollOut(platformActor('serving'), endpoint)
      },
    },
    {
      kind: SEAL,
      concurrency: 1,
      attemptsMax: 100,
      run: async ({ payload }) => {
        const { endpoint, kind } = payload as { endpoint: string; kind: SegmentKind }
        await serving.seal(endpoint, kind)
      },
    },
  ]
}
