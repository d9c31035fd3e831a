import { FINDING_TYPES, firePolicies, policyRunHandler } from '#automation'
import { Problem } from '#base/problem'
import { createGovernance, DECIDE_PROMOTION, type Governance } from '#governance'
import type { Follower } from '#ledger'
import { platformActor } from '#ledger'
import type { Monitoring } from '#monitoring'
import type { Recordings, Requests } from '#pipelines'
import { datasetVersionRef, type EndpointConfig, type Projects } from '#projects'
import type { Registry } from '#registry'
import type { Replays } from '#replay'
import { settingsOf } from '#inference'
import type { Delivery, Serving } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Tracking } from '#tracking'
import type { Handler } from '#work'
import { versionMadeBy } from './candidate.ts'
import { promotionEvidence, scoresOf } from './evidence.ts'
import type { Ground } from './ground.ts'

export const DECLARE_ENDPOINTS = 'declare-endpoints'

/** Promotions, judged by what registry, tracking, serving and monitoring know. */
export function governanceOf(
  { store, clock, ids }: Ground,
  parts: {
    projects: Projects
    registry: Registry
    tracking: Tracking
    serving: Serving
    monitoring: Monitoring
    replays: Replays
  },
): Governance {
  const { projects, registry, serving, monitoring, replays } = parts
  const evidence = promotionEvidence({
    ...parts,
    registryReads: store.read.registry,
    pipelines: store.read.pipelines,
    queries: serving.predictions,
    labelledRows: monitoring.labelledRows,
    endpointOf: async (model) =>
      (await serving.endpoints.list()).find((endpoint) =>
        endpoint.model.startsWith(`models:/${model}@`),
      )?.name,
    trainedUntil: async (model, version) => {
      const known = await monitoring.reference(model, version)
      return known.state === 'known' ? known.reference.trainedUntilMs : null
    },
    fault: async (model, version) => {
      try {
        await serving.score(model, version, [])
        return undefined
      } catch (error) {
        if (error instanceof Problem && error.code === 'invalid') return error.message
        throw error
      }
    },
    replays,
    score: async (model, version, rows) => scoresOf(await serving.score(model, version, rows)),
  })
  return createGovernance<Writes>({
    read: store.read.governance,
    transact: store.transact,
    evidence,
    configs: async () => (await projects.list()).map((project) => project.config),
    moveAlias: (tx, { actor, model, alias, version, promotion }) =>
      registry.moveAlias(tx, actor, { model, alias, version, promotion }),
    clock,
    ids,
  })
}

/** The jobs of promotions and policies, and that of declaring what a project's file says it serves. */
export function governingHandlers(
  ground: Ground,
  parts: {
    projects: Projects
    recordings: Recordings
    requests: Requests<Writes>
    serving: Serving
    governance: Governance
  },
): Handler[] {
  const { store, clock } = ground
  const { projects, serving, governance, recordings, requests } = parts
  return [
    {
      kind: DECIDE_PROMOTION,
      concurrency: 1,
      attemptsMax: 10,
      run: async ({ payload }) => {
        await governance.decide((payload as { promotion: string }).promotion)
      },
      abandoned: (job, reason) =>
        governance.refuse((job.payload as { promotion: string }).promotion, reason),
    },
    {
      kind: DECLARE_ENDPOINTS,
      concurrency: 1,
      attemptsMax: 10,
      run: async ({ payload }) => {
        const project = await projects.get((payload as { project: string }).project)
        for (const [name, endpoint] of Object.entries(project.config.endpoints))
          await serving.declareEndpoint(platformActor('projects'), {
            project: project.name,
            name,
            model: endpoint.model,
            shadows: endpoint.shadows,
            monitor: endpoint.monitor ?? null,
            log: endpoint.log ?? null,
            delivery: deliveryOf(endpoint),
            settings: settingsOf(endpoint),
          })
      },
    },
    policyRunHandler({
      read: store.read.automation,
      transact: store.transact,
      clock,
      acts: {
        project: (name) => projects.get(name),
        runPipeline: async ({ policyRun, project, stage, signal }) => {
          const actor = platformActor(`policy-run:${policyRun}`)
          await requests.ask(actor, {
            id: policyRun,
            project: project.name,
            commit: project.commit,
            cause: policyRun,
          })
          const { state, reason, pipelineRuns } = await requests.ended(policyRun, signal)
          if (state !== 'succeeded')
            throw new Problem('conflict', reason ?? `the pipeline of ${stage} ${state}`)
          return { pipelineRun: pipelineRuns.at(-1) ?? policyRun }
        },
        versionMadeBy: (pipelineRun, model) => versionMadeBy(store.read, pipelineRun, model),
        promote: async (actor, request) => {
          await governance.request(actor, { ...request, decidedBy: 'caller' })
          return governance.decide(request.id)
        },
        abandon: async ({ policyRun, promotion, reason }) => {
          await recordings.closeOpen(platformActor(`policy-run:${policyRun}`), policyRun, reason)
          if ((await store.read.governance.find(promotion)) !== undefined)
            await governance.refuse(promotion, reason)
        },
      },
    }),
  ]
}

/** How a file says that traffic is given; nothing where it leaves all as it is without. */
function deliveryOf(endpoint: EndpointConfig): Delivery | null {
  const { rollout = null, traffic = null, experiment = null, override = false } = endpoint
  const isPlain = rollout === null && traffic === null && experiment === null && !override
  return isPlain ? null : { rollout, traffic, experiment, override }
}

/** Declares a project's endpoints when its file may have changed. */
export const declareEndpoints: Follower<Writes> = {
  name: 'endpoints-of-projects',
  types: ['project-added', 'project-synced'],
  follow: async (entry, { work }) => {
    const { project } = entry.data as { project: string }
    await work.enqueue([
      {
        kind: DECLARE_ENDPOINTS,
        key: `${DECLARE_ENDPOINTS}:${entry.position}`,
        payload: { project },
      },
    ])
  },
}

/** Lets policies act on what the monitors find. */
export function policiesOn({ clock }: Ground): Follower<Writes> {
  return {
    name: 'policies',
    types: [...FINDING_TYPES],
    follow: async (entry, tx) => {
      const projects = await tx.projects.list()
      await firePolicies(entry, tx, {
        projects,
        clock,
        hasRunWith: async (project, paths) => {
          const versions = project.data.filter((data) => paths.includes(data.path))
          for (const { path, md5 } of versions)
            if (!(await succeededWith(tx, { project: project.name, path, md5 }))) return false
          return true
        },
      })
    },
  }
}

async function succeededWith(
  { ledger, pipelines }: Writes,
  version: { project: string; path: string; md5: string },
): Promise<boolean> {
  for (const { from } of await ledger.edgesTo(datasetVersionRef(version))) {
    const stage = from.kind === 'run' ? await pipelines.stageOf(from.id) : undefined
    const run = stage === undefined ? undefined : await pipelines.find(stage.pipelineRun)
    if (run?.state === 'succeeded') return true
  }
  return false
}
