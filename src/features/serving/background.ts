import { platformActor, type Follower } from '#ledger'
import type { Handler, NewJob, WorkWrites } from '#work'
import { aliasIn } from '#inference'
import { SEAL } from './seal-job.ts'
import type { Serving } from './serving.ts'
import type { SegmentKind, ServingReads } from './store.ts'

const ROLL_OUT = 'roll-out'
const RELABEL = 'relabel-endpoint'

/** What serving does when something has happened: it looks whether other versions have to serve now. */
export const rollOuts: Follower<{ serving: ServingReads; work: WorkWrites }> = {
  name: 'roll-outs',
  types: ['endpoint-declared', 'model-alias-moved'],
  follow: async (entry, { serving, work }) => {
    if (entry.type === 'endpoint-declared') {
      await work.enqueue([endpointJob(ROLL_OUT, entry.data['endpoint'] as string, entry.position)])
      return
    }
    const { following, others } = await concerned(
      serving,
      entry.data as { model: string; alias: string },
    )
    await work.enqueue([
      ...following.map((endpoint) => endpointJob(ROLL_OUT, endpoint, entry.position)),
      ...others.map((endpoint) => endpointJob(RELABEL, endpoint, entry.position)),
    ])
  },
}

function endpointJob(kind: string, endpoint: string, position: number): NewJob {
  return { kind, key: `${kind} ${endpoint} ${position}`, payload: { endpoint } }
}

/** Endpoints that follow an alias, and others of its model, whose callers may ask for a version by it. */
async function concerned(
  serving: ServingReads,
  moved: { model: string; alias: string },
): Promise<{ following: string[]; others: string[] }> {
  const uses = (uri: string) => {
    const named = aliasIn(uri)
    return named?.model === moved.model && named.alias === moved.alias
  }
  const following: string[] = []
  const others: string[] = []
  for (const { name, model, shadows, delivery, live } of await serving.list())
    if ([model, ...shadows, ...Object.keys(delivery?.traffic ?? {})].some(uses))
      following.push(name)
    else if (live?.model === moved.model) others.push(name)
  return { following, others }
}

/** How serving's jobs are done; each may be done twice. */
export function servingHandlers(serving: Pick<Serving, 'rollOut' | 'relabel' | 'seal'>): Handler[] {
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
      kind: RELABEL,
      concurrency: 2,
      attemptsMax: 5,
      run: async ({ payload }) => serving.relabel((payload as { endpoint: string }).endpoint),
    },
    {
      kind: SEAL,
      concurrency: 1,
      attemptsMax: 100,
      run: async ({ payload }, signal) => {
        const { endpoint, kind } = payload as { endpoint: string; kind: SegmentKind }
        await serving.seal(endpoint, kind, signal)
      },
    },
  ]
}
