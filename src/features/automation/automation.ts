import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type Actor, type Entry, type LedgerWrites } from '#ledger'
import type { PolicyConfig, Project } from '#projects'
import type { Handler, WorkWrites } from '#work'
import {
  firesOn,
  policyFired,
  policyRunFinished,
  policyRunRef,
  promotionAfter,
  type Finding,
  type PolicyRun,
} from './policy-run.ts'
import type { PolicyRunReads, PolicyRunWrites } from './store.ts'

export interface AutomationTx {
  readonly automation: PolicyRunWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

/** What a policy can set in motion; pipelines, registry and governance do it. */
export interface Acts {
  project(name: string): Promise<Project>
  /** Runs a stage and what it depends on at the project's newest commit, in the server's own clone. Gives the pipeline run. */
  runPipeline(request: {
    policyRun: string
    project: Project
    stage: string
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
  ): Promise<{ id: string }>
  /** Puts an end to what a policy run that is given up has left open. */
  abandon(run: { policyRun: string; promotion: string; reason: string }): Promise<void>
}

export const RUN_POLICY = 'run-policy'

/** Whether a pipeline has already succeeded with the versions that the project's data has now. */
export type HasRunWith = (project: Project, paths: readonly string[]) => Promise<boolean>

/** Starts the policies that wait for a finding. Called for each finding once, inside the follower's transaction. */
export async function firePolicies(
  entry: Entry,
  tx: AutomationTx,
  {
    projects,
    hasRunWith,
    clock,
  }: { projects: readonly Project[]; hasRunWith: HasRunWith; clock: Clock },
): Promise<void> {
  const finding = findingIn(entry)
  for (const project of projects)
    for (const [name, policy] of Object.entries(project.config.policies)) {
      const last = await tx.automation.newest(project.name, name)
      const running = (await tx.automation.running(finding.endpoint)).length > 0
      if (!firesOn(policy, finding, { running, lastEventMs: last?.eventMs })) continue
      // The same data gives the same model: the policy keeps its turn until there is something to learn from.
      const paths = Object.keys(policy.data)
      if (paths.length > 0 && (await hasRunWith(project, paths))) continue
      const run: PolicyRun = {
        id: `${name}-${String(entry.position).padStart(10, '0')}`,
        project: project.name,
        policy: name,
        endpoint: finding.endpoint,
        cause: entry.position,
        causeType: finding.type,
        eventMs: finding.eventMs,
        startedMs: clock.nowMs(),
        state: 'running',
        reason: null,
        pipelineRun: null,
        modelVersion: null,
        promotion: null,
        endedMs: null,
      }
      await tx.automation.save(run)
      await tx.ledger.append(platformActor(`policy:${name}`), [policyFired(run, finding)])
      await tx.work.enqueue([
        { kind: RUN_POLICY, key: `${RUN_POLICY}:${run.id}`, payload: { policyRun: run.id } },
      ])
    }
}

interface HandlerDependencies {
  readonly read: PolicyRunReads
  readonly transact: <T>(work: (tx: AutomationTx) => Promise<T>) => Promise<T>
  readonly acts: Acts
  readonly clock: Clock
}

/** Does what a policy says: run the pipeline, find the candidate, ask for its promotion. May start over after a crash. */
export function policyRunHandler(dependencies: HandlerDependencies): Handler {
  const { read, acts } = dependencies
  const { note, finish } = progressOf(dependencies)

  const candidateOf = async (
    run: PolicyRun,
    policy: PolicyConfig,
    project: Project,
    signal: AbortSignal,
  ) => {
    const pipelineRun =
      run.pipelineRun ??
      (await acts.runPipeline({ policyRun: run.id, project, stage: policy.run, signal }))
        .pipelineRun
    await note(run.id, { pipelineRun })
    const target = promotionAfter(policy)
    if (target === undefined) return { pipelineRun, target: undefined, version: undefined }
    const version = await acts.versionMadeBy(pipelineRun, target.model)
    if (version === undefined)
      throw new Problem(
        'conflict',
        `the pipeline run ${pipelineRun} registered no version of ${target.model}; its stage ${policy.run} must log one with registered_model_name=${JSON.stringify(target.model)}`,
      )
    await note(run.id, { modelVersion: `${target.model}/${version}` })
    return { pipelineRun, target, version }
  }

  return {
    kind: RUN_POLICY,
    concurrency: 1,
    attemptsMax: 5,
    run: async (job, signal) => {
      const { policyRun: id } = job.payload as { policyRun: string }
      const run = await read.find(id)
      if (run === undefined || run.state !== 'running') return
      const project = await acts.project(run.project)
      const policy = project.config.policies[run.policy]
      if (policy === undefined)
        throw new Problem(
          'conflict',
          `the policy ${run.policy} is no longer in the project's orrery.yaml`,
        )
      const { target, version } = await candidateOf(run, policy, project, signal)
      if (target === undefined || version === undefined) return finish(id, { state: 'succeeded' })
      const promotion = await acts.promote(platformActor(`policy:${run.policy}`), {
        id: promotionOf(id),
        ...target,
        version,
        cause: policyRunRef(id),
        eventMs: run.eventMs,
      })
      return finish(id, { state: 'succeeded', promotion: promotion.id })
    },
    abandoned: async (job, reason) => {
      const { policyRun } = job.payload as { policyRun: string }
      await acts.abandon({ policyRun, promotion: promotionOf(policyRun), reason })
      await finish(policyRun, { state: 'failed', reason })
    },
  }
}

function promotionOf(policyRun: string): string {
  return `promote-${policyRun}`
}

/** Keeps how far a run has come, and tells its end once. */
function progressOf({ transact, clock }: HandlerDependencies) {
  const finish = async (id: string, end: Partial<PolicyRun> & { state: 'succeeded' | 'failed' }) =>
    transact(async ({ automation, ledger }) => {
      const run = await automation.find(id)
      if (run === undefined || run.state !== 'running') return
      const ended: PolicyRun = { ...run, ...end, endedMs: clock.nowMs() }
      await automation.save(ended)
      await ledger.append(platformActor(`policy:${run.policy}`), [policyRunFinished(ended)])
    })

  const note = (id: string, progress: Partial<PolicyRun>) =>
    transact(async ({ automation }) => {
      const run = await automation.find(id)
      if (run !== undefined) await automation.save({ ...run, ...progress })
    })

  return { note, finish }
}

function findingIn(entry: Entry): Finding {
  const data = entry.data as { endpoint: string; window: string }
  return {
    position: entry.position,
    type: entry.type as Finding['type'],
    endpoint: data.endpoint,
    window: data.window,
    eventMs: entry.eventMs ?? entry.atMs,
  }
}
