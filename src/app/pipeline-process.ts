import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { messageOf } from '#base/problem'
import { environment } from './config.ts'
import { httpRecorder } from './recorder.ts'
import { openWorkspace } from './project/workspace.ts'

/** What the server asks of a process that runs one pipeline in a work tree. */
export interface PipelineOrder {
  readonly root: string
  readonly url: string
  readonly pipelineRun: string
  readonly cause: string
  readonly pull: readonly string[]
  readonly environments: string
  readonly stageTimeoutMs: number
}

export type PipelineReply =
  | { readonly kind: 'progress'; readonly text: string }
  | {
      readonly kind: 'ended'
      readonly outcome: 'succeeded' | 'failed' | 'killed'
      readonly reason: string | null
    }

async function perform(order: PipelineOrder, signal: AbortSignal): Promise<PipelineReply> {
  const { data, pipelines } = openWorkspace(order.root, {
    variables: environment,
    environments: order.environments,
  })
  const { fetched } = await data.pull(order.pull)
  const lost = fetched.failed[0]
  if (lost !== undefined)
    return {
      kind: 'ended',
      outcome: 'failed',
      reason: `data could not be fetched: ${lost.reason}; run "orrery push" where it was added`,
    }
  const result = await pipelines.repro({
    targets: [],
    timeoutMs: order.stageTimeoutMs,
    signal,
    recorder: httpRecorder(order.url, {
      clock: systemClock,
      // The server has chosen the run's id, so that it finds the run should this process not come to tell.
      ids: { ...randomIds, ulid: () => order.pipelineRun },
      cause: order.cause,
      signal,
    }),
    onEvent: (event) => {
      if (event.kind === 'started' || event.kind === 'progress')
        process.send?.({
          kind: 'progress',
          text: event.kind === 'started' ? `stage ${event.step}` : event.text,
        } satisfies PipelineReply)
    },
  })
  const bad = result.steps.find((step) => step.outcome !== 'succeeded')
  if (bad === undefined) await data.push()
  return {
    kind: 'ended',
    outcome: result.outcome,
    reason: bad === undefined ? null : `stage ${bad.name} ${bad.outcome}: ${bad.failure ?? ''}`,
  }
}

// The server's end of the channel closes when the server dies, however it dies: then the stages end too.
const stopping = new AbortController()
process.once('disconnect', () => stopping.abort())
if (!process.connected) stopping.abort()
process.once('message', (order: PipelineOrder) => {
  void answer(order)
})

async function answer(order: PipelineOrder): Promise<void> {
  const reply = await perform(order, stopping.signal).catch((error: unknown): PipelineReply => ({
    kind: 'ended',
    outcome: 'failed',
    reason: messageOf(error),
  }))
  if (process.connected) process.send?.(reply, () => process.disconnect())
}
