import { platformActor, type Entry } from '#ledger'
import { FINDING_TYPES } from '#monitoring'
import type { Project } from '#projects'
import { restBy, type Standing } from './decision.ts'
import { unhelpfulRuns, type AutomationTx } from './firing.ts'
import { policyRunRef, type PolicyRun } from './policy-run.ts'

/** Facts that tell what became of versions that policies have made, besides findings. */
const TAKEN_BACK: readonly string[] = ['rollout-rolled-back', 'rollout-aborted', 'rollout-undone']

export const OUTCOME_TYPES: readonly string[] = [
  'rollout-completed',
  'rollout-failed',
  ...TAKEN_BACK,
]

/**
 * Notes what became of a policy's version once it is in use: kept, rolled back, or found wanting while the policy
 * still rests after it. The last two did not help, whatever the checks had said. Called for each entry once; gives
 * the run of which something was noted.
 */
export async function noteOutcome(
  entry: Entry,
  tx: AutomationTx,
  projects: readonly Project[],
): Promise<PolicyRun | undefined> {
  const { endpoint } = entry.data
  const modelVersion = versionIn(entry)
  if (typeof modelVersion !== 'string' || typeof endpoint !== 'string') return undefined
  const run = await tx.automation.makerOf(modelVersion)
  if (run === undefined) return undefined
  const found = verdictOn(run, entry, projects)
  if (found === undefined || (run.helped === false && !found.helped)) return undefined
  await tx.automation.save({ ...run, helped: found.helped })
  await tx.ledger.append(platformActor(`policy:${run.policy}`), [
    {
      type: 'policy-outcome',
      data: {
        project: run.project,
        policy: run.policy,
        policyRun: run.id,
        endpoint,
        modelVersion,
        outcome: found.outcome,
        cause: entry.position,
        causeType: entry.type,
        why: found.why,
      },
      edges: [
        {
          from: { kind: 'model-version', id: modelVersion },
          relation: 'made-for',
          to: policyRunRef(run.id),
        },
      ],
      eventMs: entry.eventMs ?? entry.atMs,
    },
  ])
  return run
}

/** The version of which something is told. Where one is taken back, that is not the one that answers since. */
function versionIn({ type, data }: Entry) {
  return data[TAKEN_BACK.includes(type) ? 'givenUp' : 'modelVersion']
}

interface Verdict {
  readonly helped: boolean
  readonly outcome: 'kept' | 'rolled-back' | 'found-wanting'
  readonly why: string
}

function verdictOn(
  run: PolicyRun,
  entry: Entry,
  projects: readonly Project[],
): Verdict | undefined {
  const { type, data } = entry
  const what = `${run.modelVersion}, which ${run.id} made,`
  const said = (name: string) =>
    typeof data[name] === 'string' ? `: ${data[name].replace(/\.$/, '')}` : ''
  if (type === 'rollout-completed')
    return { helped: true, outcome: 'kept', why: `${what} is kept: its rollout is complete.` }
  if (OUTCOME_TYPES.includes(type))
    return {
      helped: false,
      outcome: 'rolled-back',
      why: `${what} is not kept${said('reason')}.`,
    }
  if (!Object.values(FINDING_TYPES).includes(type)) return undefined
  const policy = projects.find(({ name }) => name === run.project)?.config.policies[run.policy]
  if (policy === undefined) return undefined
  const standing: Pick<Standing, 'last' | 'lastFinding' | 'unhelpful'> = {
    last: run,
    lastFinding: run,
    unhelpful: 0,
  }
  const rest = restBy('event', policy, standing)
  if (rest === undefined || (entry.eventMs ?? entry.atMs) >= rest.untilMs) return undefined
  return {
    helped: false,
    outcome: 'found-wanting',
    why: `${what} did not help: ${type} while the policy rests after it${said('detail')}.`,
  }
}

/** Tells, once for a run, that a policy rests longer because what it does has not helped. */
export async function noteGivenUp(
  tx: AutomationTx,
  at: { project: Project | undefined; policy: string; nowMs: number },
): Promise<void> {
  const { project, policy, nowMs } = at
  const { backoff } = project?.config.policies[policy] ?? {}
  if (project === undefined || backoff === undefined) return
  const unhelpful = await unhelpfulRuns(tx.automation, project.name, policy)
  const last = await tx.automation.newest(project.name, policy)
  if (last === undefined || unhelpful < (backoff.after ?? 2)) return
  const isNew = await tx.automation.takeKey(project.name, `gave up ${policy} ${last.id}`, nowMs)
  if (!isNew) return
  await tx.ledger.append(platformActor(`policy:${policy}`), [
    {
      type: 'policy-gave-up',
      data: {
        project: project.name,
        policy,
        endpoint: last.endpoint,
        policyRun: last.id,
        unhelpful,
        why: `${policy} rests longer than else: ${unhelpful} runs after one another did not help, the last of them ${last.id}; look at what it does, or set it off by hand.`,
      },
      eventMs: last.eventMs,
    },
  ])
}
