import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { LedgerWrites } from '#ledger'
import type { ProjectWrites } from '#projects'
import type { WorkWrites } from '#work'
import type { Recordings } from './recordings.ts'
import { admitted, type RunRequest } from './request.ts'
import type { RequestReads, RequestWrites } from './request-store.ts'
import type { RunPipeline } from './turn.ts'

export const RUN_PIPELINE = 'run-pipeline'

export interface RequestTx {
  readonly requests: RequestWrites
  readonly projects: Pick<ProjectWrites, 'find'>
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export interface RequestDependencies<Tx extends RequestTx> {
  readonly read: RequestReads
  readonly transact: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  /** Calls back after whatever may have ended a run; gives the way to stop that. */
  readonly onGrowth: (listener: () => void) => () => void
  readonly recordings: Recordings
  readonly runPipeline: RunPipeline
  /** How many run at once. */
  readonly runsMax: number
  readonly clock: Clock
  readonly ids: Ids
}

/** Lets in whoever has room; called whenever there may be some. */
export async function admit(
  tx: Pick<RequestTx, 'requests' | 'work'>,
  runsMax: number,
): Promise<void> {
  for (const request of admitted(await tx.requests.open(), runsMax)) await begin(tx, request)
}

/** Makes the job of a request's next turn. */
export async function begin(
  tx: Pick<RequestTx, 'requests' | 'work'>,
  request: RunRequest,
): Promise<RunRequest> {
  const turns = request.turns + 1
  const running: RunRequest = { ...request, state: 'running', reason: null, turns }
  await tx.requests.save(running)
  await tx.work.enqueue([
    {
      kind: RUN_PIPELINE,
      key: `${RUN_PIPELINE}:${request.id}:${turns}`,
      payload: { request: request.id },
    },
  ])
  return running
}

export function requestIn(found: RunRequest | undefined, id: string): RunRequest {
  if (found !== undefined) return found
  throw new Problem('not-found', `there is no run ${id}; "orrery run list" lists them`)
}
