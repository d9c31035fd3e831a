import { Problem } from '#base/problem'
import { createGovernance, DECIDE_PROMOTION, type Governance } from '#governance'
import type { Follower } from '#ledger'
import { platformActor } from '#ledger'
import { rolesIn, type Monitoring } from '#monitoring'
import type { EndpointConfig, Projects } from '#projects'
import type { Registry } from '#registry'
import type { Replays } from '#replay'
import { settingsOf, type Logged } from '#inference'
import type { Delivery, Serving } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Tracking } from '#tracking'
import type { Handler } from '#work'
import { promotionEvidence } from './evidence.ts'
import type { Ground } from '../ground.ts'

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
    answers: async (model, version, rows) =>
      (await serving.score(model, version, rows)) as readonly Readonly<Record<string, Logged>>[],
    roles: async (name) => {
      const endpoint = (await serving.endpoints.list()).find((each) => each.name === name)
      return endpoint?.monitor ? rolesIn(endpoint.monitor) : {}
    },
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

/** The jobs of promotions, and that of declaring what a project's file says it serves. */
export function governingHandlers(parts: {
  projects: Projects
  serving: Serving
  governance: Governance
}): Handler[] {
  const { projects, serving, governance } = parts
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
            model: endpoint.model ?? '',
            elsewhere: endpoint.elsewhere === true,
            shadows: endpoint.shadows,
            monitor: endpoint.monitor ?? null,
            log: endpoint.log ?? null,
            delivery: deliveryOf(endpoint),
            settings: settingsOf(endpoint),
          })
      },
    },
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
