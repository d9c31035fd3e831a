import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type Actor } from '#ledger'
import type { PolicyConfig, Project } from '#projects'
import type { Handler } from '#work'
import { endRun, RUN_POLICY, startQueued, type AutomationTx } from './firing.ts'
import { policyRunRef, promotionAfter, type PolicyRun, type RunOrder } from './policy-run.ts'
import type { AutomationReads } from './store.ts'

/** What a policy can set in motion; pipelines, registry and governance do it. */
export interface Acts {
  project(name: string): Promise<Project>
  /** Runs a stage and what it depends on in the server's own clone. Gives the pipeline run. */
  runPipeline(request: {
    policyRun: string
    project: Project
    stage: string
    order: RunOrder
    /** Whose runs it waits for; the project's own where the policy names no group. */
    lane: { name: string; limit: number } | undefined
    signal: AbortSignal
  }): Promise<{ pipelineRun: string }>
  /** The version of `model` that a pipeline run registered. */
  versionMadeBy(pipelineRun: string, model: string): Promise<number | undefined>
  /** Asks for the promotion and waits for its decision. */
  promote(
    actor: Actor,
    request: {
      id: string
      model: string
      version: number
      alias: string
      cause: ReturnType<typeof policyRunRef>
      eventMs: number
    },
  ): Promise<{ id: string; accepted: boolean }>
  /** Puts an end to what a policy run that is given up has left open. */
  abandon(run: { policyRun: string; promotion: string; reason: string }): Promise<void>
}

export interface RunnerDependencies {
  readonly read: AutomationReads
  readonly transact: <T>(work: (tx: AutomationTx) => Promise<T>) => Promise<T>
  readonly acts: Acts
  readonly clock: Clock
}

/** Policy runs that are looked after at the same time: they only wait for their pipelines, which have limits of their own. */
const AT_ONCE = 100

/** Does what a policy says: run the pipeline, find the candidate, ask for its promotion. May start over after a crash. */
export function policyRunHandler(dependencies: RunnerDependencies): Handler {
  const { read, acts } = dependencies
  const { note, finish } = progressOf(dependencies)

  const perform = async (run: PolicyRun, signal: AbortSignal) => {
    const project = await acts.project(run.project)
    const policy = project.config.policies[run.policy]
    if (policy === undefined)
      throw new Problem(
        'conflict',
        `the policy ${run.policy} is no longer in the project's orrery.yaml`,
      )
    const pipelineRun =
      run.pipelineRun ?? (await pipelineOf(acts, { run, policy, project, signal }))
    await note(run.id, { pipelineRun })
    const target = promotionAfter(policy)
    if (target === undefined) return finish(run.id, { state: 'succeeded' })
    const version = await candidateOf(acts, { pipelineRun, model: target.model, stage: policy.run })
    await note(run.id, { modelVersion: `${target.model}/${version}` })
    const { id, accepted } = await acts.promote(platformActor(`policy:${run.policy}`), {
      id: promotionOf(run.id),
      ...target,
      version,
      cause: policyRunRef(run.id),
      eventMs: run.eventMs,
    })
    return finish(run.id, { state: 'succeeded', promotion: id, helped: accepted })
  }

  return {
    kind: RUN_POLICY,
    concurrency: AT_ONCE,
    attemptsMax: 5,
    run: async (job, signal) => {
      const { policyRun: id } = job.payload as { policyRun: string }
      const run = await read.find(id)
      if (run === undefined || run.state !== 'running') return
      const watch = untilCancelled(read, id, signal)
      try {
        await perform(run, watch.signal)
      } catch (error) {
        if (!watch.isCancelled()) throw error
        const { reason } = (await read.find(id)) ?? run
        await acts.abandon({
          policyRun: id,
          promotion: promotionOf(id),
          reason: reason ?? 'it was cancelled',
        })
      } finally {
        watch.end()
      }
    },
    abandoned: async (job, reason) => {
      const { policyRun } = job.payload as { policyRun: string }
      await acts.abandon({ policyRun, promotion: promotionOf(policyRun), reason })
      await finish(policyRun, { state: 'failed', reason })
    },
  }
}

async function pipelineOf(
  acts: Acts,
  at: { run: PolicyRun; policy: PolicyConfig; project: Project; signal: AbortSignal },
): Promise<string> {
  const { run, policy, project, signal } = at
  const { pipelineRun } = await acts.runPipeline({
    policyRun: run.id,
    project,
    stage: policy.run,
    order: run.order,
    lane: policy.concurrency === undefined ? undefined : { name: run.group, limit: run.limit },
    signal,
  })
  return pipelineRun
}

async function candidateOf(
  acts: Acts,
  { pipelineRun, model, stage }: { pipelineRun: string; model: string; stage: string },
): Promise<number> {
  const version = await acts.versionMadeBy(pipelineRun, model)
  if (version !== undefined) return version
  throw new Problem(
    'conflict',
    `the pipeline run ${pipelineRun} registered no version of ${model}; its stage ${stage} must log one with registered_model_name=${JSON.stringify(model)}`,
  )
}

const LOOK_MS = 500

/** A signal that also tells when a run is cancelled, by whichever server. */
function untilCancelled(read: AutomationReads, id: string, stopping: AbortSignal) {
  const cancelling = new AbortController()
  const look = async () => {
    try {
      const run = await read.find(id)
      if (run !== undefined && run.state !== 'running') cancelling.abort()
    } catch {
      // The next look tells.
    }
  }
  const timer = setInterval(() => {
    void look()
  }, LOOK_MS)
  return {
    signal: AbortSignal.any([stopping, cancelling.signal]),
    isCancelled: () => cancelling.signal.aborted && !stopping.aborted,
    end: () => clearInterval(timer),
  }
}

function promotionOf(policyRun: string): string {
  return `promote-${policyRun}`
}

/** Keeps how far a run has come, and tells its end once. */
function progressOf({ transact, clock }: RunnerDependencies) {
  const finish = async (id: string, end: Partial<PolicyRun> & { state: 'succeeded' | 'failed' }) =>
    transact(async (tx) => {
      const run = await tx.automation.find(id)
      if (run === undefined || run.state !== 'running') return
      await endRun(tx, { ...run, ...end, endedMs: clock.nowMs() })
      await startQueued(tx, clock.nowMs())
    })

  const note = (id: string, progress: Partial<PolicyRun>) =>
    transact(async ({ automation }) => {
      const run = await automation.find(id)
      if (run !== undefined) await automation.save({ ...run, ...progress })
    })

  return { note, finish }
}
