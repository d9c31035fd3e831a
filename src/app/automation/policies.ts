import {
  awaitedTypes,
  createPolicies,
  createTriggers,
  firePolicies,
  noteGivenUp,
  noteOutcome,
  noteSynced,
  OUTCOME_TYPES,
  policyRunHandler,
  WATCH_PROJECT,
  type Policies,
  type Surroundings,
  type Triggers,
} from '#automation'
import { sha256 } from '#base/digest'
import { messageOf, Problem } from '#base/problem'
import type { Governance } from '#governance'
import { platformActor, type Entry, type Follower, type LedgerReads, type Ref } from '#ledger'
import type { Recordings, Requests } from '#pipelines'
import { datasetVersionRef, type Project, type Projects } from '#projects'
import type { Reads, Writes } from '#stores/sql/index'
import type { Handler } from '#work'
import { versionMadeBy } from './candidate.ts'
import type { LocalClones } from '../data/clones.ts'
import type { Ground } from '../ground.ts'
import { watchedOutside } from './watched.ts'

/** What lets policies know that something has happened. */
export function triggersOf(
  { store, clock, logger }: Ground,
  { projects, clones }: { projects: Projects; clones: LocalClones },
): Triggers {
  const { read, transact } = store
  const outside = watchedOutside(clones)
  return createTriggers({ read: read.automation, transact, projects, outside, clock, logger })
}

/** Policies as people see them. */
export function policiesOf(
  { store, clock }: Ground,
  parts: { projects: Projects; triggers: Triggers; caughtUp: () => Promise<void> },
): Policies {
  const { read, transact } = store
  return createPolicies({
    ...parts,
    read: read.automation,
    ledger: read.ledger,
    transact,
    surroundings: (projects) => surroundingsOf(read, { projects, clock }),
  })
}

interface PolicyParts {
  readonly projects: Projects
  readonly recordings: Recordings
  readonly requests: Requests<Writes>
  readonly governance: Governance
  readonly triggers: Triggers
}

/** The jobs of policies: to run what they say, and to look at a project of which somebody has told. */
export function policyHandlers(ground: Ground, parts: PolicyParts): Handler[] {
  const { store, clock } = ground
  const { projects, governance, recordings, requests, triggers } = parts
  return [
    policyRunHandler({
      read: store.read.automation,
      transact: store.transact,
      clock,
      acts: {
        project: (name) => projects.get(name),
        runPipeline: pipelineOrder(requests),
        versionMadeBy: (pipelineRun, model) => versionMadeBy(store.read, pipelineRun, model),
        promote: async (actor, request) => {
          await governance.request(actor, { ...request, decidedBy: 'caller' })
          const { id, outcome } = await governance.decide(request.id)
          return { id, accepted: outcome.state === 'accepted' }
        },
        abandon: async ({ policyRun, promotion, reason }) => {
          const actor = platformActor(`policy-run:${policyRun}`)
          await cancelOpen(requests, policyRun, reason)
          await recordings.closeOpen(actor, policyRun, reason)
          if ((await store.read.governance.find(promotion)) !== undefined)
            await governance.refuse(promotion, reason)
        },
      },
    }),
    {
      kind: WATCH_PROJECT,
      concurrency: 2,
      attemptsMax: 8,
      run: async ({ payload }) => {
        const { project, branch } = payload as { project: string; branch?: string }
        await triggers.watch(project, branch)
      },
    },
  ]
}

type RunPipeline = Parameters<typeof policyRunHandler>[0]['acts']['runPipeline']

function pipelineOrder(requests: Requests<Writes>): RunPipeline {
  return async ({ policyRun, project, stage, order, lane, signal }) => {
    const actor = platformActor(`policy-run:${policyRun}`)
    const id = requestOf(policyRun)
    await requests.ask(actor, {
      id,
      project: project.name,
      commit: order.rev ?? project.commit,
      overrides: order.set,
      variables: order.variables,
      ...(order.data === undefined ? {} : { data: order.data }),
      cause: policyRun,
      ...(lane === undefined ? {} : { lane }),
    })
    const { state, reason, pipelineRuns } = await requests.ended(id, signal)
    if (state !== 'succeeded')
      throw new Problem('conflict', reason ?? `the pipeline of ${stage} ${state}`)
    return { pipelineRun: pipelineRuns.at(-1) ?? id }
  }
}

/** A request's name is shorter than that of a policy may be. */
function requestOf(policyRun: string): string {
  return policyRun.length <= 100 ? policyRun : `policy-${sha256(policyRun).slice(0, 32)}`
}

async function cancelOpen(
  requests: Requests<Writes>,
  policyRun: string,
  reason: string,
): Promise<void> {
  const id = requestOf(policyRun)
  const open = (await requests.open()).some((request) => request.id === id)
  if (!open) return
  try {
    await requests.cancel(platformActor(`policy-run:${policyRun}`), id, reason)
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Problem && error.code === 'conflict')) throw error
  }
}

/** Lets policies decide about what has happened, and notes the commits that projects are at. */
export function policiesOn({ store, clock }: Ground): Follower<Writes> {
  return {
    name: 'policies',
    types: async () => [
      ...awaitedTypes(await store.read.projects.list()),
      'project-added',
      'project-synced',
      ...OUTCOME_TYPES,
      'policy-run-finished',
    ],
    follow: async (entry, tx) => {
      if (entry.type === 'project-added' || entry.type === 'project-synced')
        await noteSynced(tx, entry, clock.nowMs())
      const projects = await tx.projects.list()
      const noted = await noteOutcome(entry, tx, projects)
      await firePolicies(entry, tx, surroundingsOf(tx, { projects, clock }))
      const ended = noted ?? (entry.type === 'policy-run-finished' ? entry.data : undefined)
      if (ended === undefined) return
      const project = projects.find(({ name }) => name === ended['project'])
      const policy = ended['policy'] as string
      await noteGivenUp(tx, { project, policy, nowMs: clock.nowMs() })
    },
  }
}

/** What decisions look at outside of automation. */
export function surroundingsOf(
  read: Pick<Reads, 'ledger' | 'pipelines'>,
  { projects, clock }: Pick<Surroundings, 'projects' | 'clock'>,
): Surroundings {
  return {
    projects,
    clock,
    hasRunWith: async (project, paths) => {
      const versions = project.data.filter((data) => paths.includes(data.path))
      for (const version of versions)
        if (!(await succeededWith(read, project, version))) return false
      return true
    },
    policyRunBehind: (entry) => policyRunBehind(read.ledger, entry),
  }
}

async function succeededWith(
  { ledger, pipelines }: Pick<Reads, 'ledger' | 'pipelines'>,
  project: Project,
  { path, md5 }: { path: string; md5: string },
): Promise<boolean> {
  const version = datasetVersionRef({ project: project.name, path, md5 })
  for (const { from } of await ledger.edgesTo(version)) {
    const stage = from.kind === 'run' ? await pipelines.stageOf(from.id) : undefined
    const run = stage === undefined ? undefined : await pipelines.find(stage.pipelineRun)
    if (run?.state === 'succeeded') return true
  }
  return false
}

/** Kinds of things that an entry names by a field of that name. */
const NAMED: readonly (readonly [field: string, kind: Ref['kind']])[] = [
  ['policyRun', 'policy-run'],
  ['cause', 'policy-run'],
  ['pipelineRun', 'pipeline-run'],
  ['run', 'run'],
  ['promotion', 'promotion'],
]
const LOOKED_AT_MAX = 100

/** The policy run that an entry came about by, over its edges; what was seen in a window is the world's doing and not a policy's. */
async function policyRunBehind(ledger: LedgerReads, entry: Entry): Promise<string | undefined> {
  const acting = /^policy-run:(.+)$/.exec(entry.actor.id)?.[1]
  if (acting !== undefined) return acting
  const named = NAMED.flatMap(([field, kind]): Ref[] => {
    const id = entry.data[field]
    return typeof id === 'string' ? [{ kind, id }] : []
  })
  const line = [...named, ...entry.edges.flatMap(({ from, to }) => [from, to])]
  const seen = new Set<string>()
  for (let ref = line.shift(); ref !== undefined && seen.size < LOOKED_AT_MAX; ref = line.shift()) {
    const key = `${ref.kind} ${ref.id}`
    if (ref.kind === 'policy-run') return ref.id
    if (ref.kind === 'window' || seen.has(key)) continue
    seen.add(key)
    for (const { to } of await ledger.edgesFrom(ref)) line.push(to)
  }
  return undefined
}

/** Schedules are looked at this often. */
const TICK_MS = 500

/** Keeps looking at schedules, origins and tables until the server stops. */
export function watchTriggers(
  { config, logger, replicas, store, onStop }: Ground,
  { triggers, projects }: { triggers: Triggers; projects: Projects },
): void {
  const timers = [every(TICK_MS, () => triggers.tick())]
  if (config.watchIntervalMs > 0)
    timers.push(
      every(config.watchIntervalMs, async () => {
        for (const { name } of await projects.list()) await triggers.watch(name)
      }),
    )
  onStop(async () => {
    await Promise.all(timers.map((stop) => stop()))
  })

  function every(ms: number, look: () => Promise<void>): () => Promise<void> {
    let looking: Promise<void> | undefined
    const timer = setInterval(() => {
      if (looking !== undefined || !replicas.leads() || store.isFull()) return
      looking = look()
        .catch((error: unknown) => {
          logger.error({ error: messageOf(error) }, 'could not look for triggers; will look again')
        })
        .finally(() => {
          looking = undefined
        })
    }, ms)
    return async () => {
      clearInterval(timer)
      await looking
    }
  }
}
