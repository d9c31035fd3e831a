import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { messageOf, Problem } from '#base/problem'
import type { Data } from '#data'
import type { ApprovalNeed } from '#pipelines'
import type { RunRecorder } from '#stages'
import type { AddedData } from './run-data.ts'
import { environment } from '../settings/config.ts'
import { httpRecorder } from './recorder.ts'
import { readSettings } from '../project/settings.ts'
import { newLock, type NewLock } from './new-lock.ts'
import { openWorkspace, type ProjectWorkspace } from '../project/workspace.ts'

/** What the server asks of a process that runs one pipeline in a work tree. */
export interface PipelineOrder {
  readonly root: string
  readonly url: string
  readonly pipelineRun: string
  readonly cause: string | null
  /** The request, its project and the commit that it runs at, for what is said of the new lock. */
  readonly request: string
  readonly project: string
  readonly commit: string
  readonly overrides: readonly string[]
  readonly pull: readonly string[]
  /** Data that lies in the work tree for this run, to be tracked there. */
  readonly chosen: readonly string[]
  /** Stages with all that they need; none means all. */
  readonly targets: readonly string[]
  readonly force: boolean
  /** For the commands of all stages. */
  readonly variables: Readonly<Record<string, string>>
  /** Stages that somebody has agreed to. */
  readonly approved: readonly string[]
  readonly environments: string
  readonly stageTimeoutMs: number
}

export type PipelineReply =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'needs-approval'; readonly need: ApprovalNeed }
  | { readonly kind: 'took'; readonly added: readonly AddedData[] }
  | {
      readonly kind: 'ended'
      readonly outcome: 'succeeded' | 'failed' | 'killed' | 'waiting'
      readonly reason: string | null
      /** Of a run that succeeded. */
      readonly lock?: NewLock
    }

async function perform(order: PipelineOrder, signal: AbortSignal): Promise<PipelineReply> {
  const workspace = openWorkspace(order.root, {
    variables: environment,
    environments: order.environments,
  })
  const { data, pipelines } = workspace
  const lost = await firstLost(order, data)
  if (lost !== undefined)
    return {
      kind: 'ended',
      outcome: 'failed',
      reason: `data could not be fetched: ${lost.reason}; run "orrery push" where it was added`,
    }
  const { added, paths } = await tracked(order, data)
  if (added.length > 0) tell({ kind: 'took', added })
  const result = await pipelines.repro({
    targets: order.targets,
    force: order.force,
    timeoutMs: order.stageTimeoutMs,
    // What this server makes by itself depends on nothing that nobody declared, as far as its machine allows.
    hermetic: 'possible',
    signal,
    recorder: recorderFor(order, signal),
    isApproved: (stage, approval) => {
      if (order.approved.includes(stage)) return true
      tell({ kind: 'needs-approval', need: { stage, ...approval } })
      return false
    },
    onEvent: (event) => {
      if (event.kind === 'started') tell({ kind: 'progress', text: `stage ${event.step}` })
      if (event.kind === 'progress') tell({ kind: 'progress', text: event.text })
    },
  })
  if (result.outcome === 'waiting') return { kind: 'ended', outcome: 'waiting', reason: null }
  const bad = result.steps.find((step) => step.outcome !== 'succeeded')
  if (bad === undefined) {
    await pushed(order, data)
    const lock = await lockOf(order, workspace)
    const whole = { ...lock, paths: [...lock.paths, ...paths] }
    return { kind: 'ended', outcome: 'succeeded', reason: null, lock: whole }
  }
  return {
    kind: 'ended',
    outcome: result.outcome,
    reason: `stage ${bad.name} ${bad.outcome}: ${bad.failure ?? ''}`,
  }
}

/** What of the tracked data is not to be had. Of stages nothing is fetched: what they left half made is repro's to mend. */
async function firstLost({ pull }: PipelineOrder, data: Data) {
  if (pull.length === 0) return undefined
  const { fetched } = await data.pull(pull)
  return fetched.failed[0]
}

/** Tracks what the run is made of, so that it is kept and has a name; gives the files that Git is to have of that. */
async function tracked({ chosen }: PipelineOrder, data: Data) {
  const added = chosen.length === 0 ? [] : await data.add(chosen)
  return {
    added: added.map(({ path, content }) => ({ path, md5: content.md5 })),
    paths: added.flatMap(({ files }) => files),
  }
}

async function lockOf(order: PipelineOrder, workspace: ProjectWorkspace): Promise<NewLock> {
  const views = await workspace.views()
  try {
    return await newLock(
      { ...order, id: order.request },
      { before: await views.at(order.commit), after: views.workspace },
    )
  } finally {
    workspace.revisions?.close()
  }
}

/** Puts what was made where others find it; without a remote it stays in this server's cache. */
async function pushed(order: PipelineOrder, data: Data): Promise<void> {
  if (readSettings(order.root, environment).defaultRemote === undefined)
    return tell({
      kind: 'progress',
      text: "the project has no default remote: its outputs stay in this server's cache",
    })
  const { failed } = await data.push()
  const [lost] = failed
  if (lost !== undefined)
    throw new Problem('unavailable', `${lost.path} could not be pushed: ${lost.reason}`)
}

function tell(reply: PipelineReply): void {
  if (process.connected) process.send?.(reply)
}

/** Records on the server that ordered the run, and gives stages the variables of the order. */
function recorderFor(order: PipelineOrder, signal: AbortSignal): RunRecorder {
  const recorder = httpRecorder(order.url, {
    clock: systemClock,
    // The server has chosen the run's id, so that it finds the run should this process not come to tell.
    ids: { ...randomIds, ulid: () => order.pipelineRun },
    ...(order.cause === null ? {} : { cause: order.cause }),
    signal,
  })
  return {
    ...recorder,
    stageStarted: async (start) => {
      const { runId, environment: told } = await recorder.stageStarted(start)
      return { runId, environment: { ...order.variables, ...told } }
    },
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
