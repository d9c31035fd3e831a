import type { FastifyInstance } from 'fastify'
import { Problem } from '#base/problem'
import { answerProblems } from '#protocols/api/errors'
import { apiProtocol, type ApiParts } from '#protocols/api/index'
import { dvcRemoteProtocol } from '#protocols/dvc-remote/index'
import { gitHooksProtocol } from '#protocols/git-hooks/index'
import { mlflowProtocol } from '#protocols/mlflow/index'
import { openLineageProtocol } from '#protocols/openlineage/index'
import { otlpProtocol } from '#protocols/otlp/index'
import { prometheusProtocol, type Family } from '#protocols/prometheus/index'
import { whylogsProfileIn } from '#protocols/whylogs/index'
import { revisionRef } from '#serving'
import { compareRoles } from './serving/compare-roles.ts'
import { environment } from './settings/environment.ts'
import type { Parts } from './features.ts'
import { monitorMetrics } from './monitoring/metrics.ts'
import { policiesOf } from './automation/policies.ts'
import { forwardPredictions } from './plane/forward.ts'
import { gauge, merged, processMetrics } from './plane/metrics.ts'
import { reportsOf } from './monitoring/reports.ts'
import { ecsOf } from '#protocols/elastic/index'
import { VERSION } from './version.ts'
import { mountWeb } from './listening/web.ts'

/** On loopback without login everybody is the one local user. */
const LOCAL_USER = { kind: 'user', id: 'local' } as const

/** Every language we speak to the world: a new protocol is a folder and a line here. */
export async function mountProtocols(
  http: FastifyInstance,
  parts: Parts,
  /** Resolves when the followers have caught up. */
  caughtUp: () => Promise<void>,
): Promise<void> {
  answerProblems(http)
  // Before all others, because it learns from their routes which paths are not the page's.
  await mountWeb(http)
  http.get('/health', async (_, reply) => reply.type('text/plain').send('OK'))
  http.get('/ready', async (_, reply) => {
    const { ready, endpoints } = parts.serving.readiness()
    const entries = await parts.store.read.ledger.size()
    // Reads go on while the disk is full, so it stays ready.
    const disk = parts.store.isFull() ? 'full' : 'ok'
    return reply.code(ready ? 200 : 503).send({ ready, disk, entries, endpoints })
  })
  await http.register((app) => apiProtocol(app, apiPartsOf(parts, caughtUp)), { prefix: '/api/v1' })
  await http.register((app) => openLineageProtocol(app, { ...parts, actor: LOCAL_USER }), {
    prefix: '/api/v1',
  })
  await mlflowProtocol(http, {
    ...parts,
    servesArtifacts: parts.config.serveArtifacts,
    actor: LOCAL_USER,
  })
  await http.register((app) =>
    otlpProtocol(app, { ...parts, bodyBytesMax: parts.config.bodyBytesMax }),
  )
  await http.register((app) => dvcRemoteProtocol(app, parts))
  await http.register((app) =>
    gitHooksProtocol(app, {
      project: (name) => parts.projects.get(name),
      call: (call) => parts.triggers.call(call),
      secret: (variable) => environment[variable],
      clock: parts.clock,
    }),
  )
  await http.register((app) => prometheusProtocol(app, { families: metricsOf(parts) }))
  forwardPredictions(http, { ...parts.config, addresses: parts.plane.addresses })
}

/** What is measured in all processes; without the plane while that is away. */
function metricsOf(parts: Parts): () => Promise<Family[]> {
  const ofProcess = processMetrics('server')
  const ofMonitors = monitorMetrics(parts.monitoring, parts.store.read)
  return async () => {
    const theirs = await parts.plane.metrics()
    const up = gauge('orrery_plane_up', 'Whether the process that answers predictions runs.', [
      { labels: {}, value: theirs.length > 0 ? 1 : 0 },
    ])
    const endpoints = (await parts.serving.endpoints.list()).map(({ name }) => name)
    return merged([...ofProcess(), up, ...theirs, ...(await ofMonitors(endpoints))])
  }
}

/** The logs as they are told outside. */
function logsOf({ shipping, serving, store }: Parts): ApiParts['logs'] {
  return {
    shipping,
    sources: {
      ledger: store.read.ledger,
      predictions: serving.predictions,
      endpoints: async () => [],
    },
    ecs: (document) => ecsOf(document, { namespace: 'default', version: VERSION }),
  }
}

function apiPartsOf(parts: Parts, caughtUp: () => Promise<void>): ApiParts {
  return {
    ...parts,
    actor: LOCAL_USER,
    version: VERSION,
    servingHost: parts.config.host,
    onGrowth: parts.store.onGrowth,
    caughtUp,
    policyRuns: parts.store.read.automation,
    policies: policiesOf(parts, { ...parts, caughtUp }),
    work: parts.store.read.work,
    settle: async () => {
      await parts.monitoring.tick()
      await caughtUp()
    },
    compareRoles: async (endpoint, span) => {
      const { name } = await parts.serving.endpoints.get(endpoint)
      return compareRoles(parts.serving.predictions, name, span)
    },
    traffic: () => parts.serving.traffic(),
    reports: reportsOf(parts, parts),
    readProfile: whylogsProfileIn,
    logs: logsOf(parts),
    explain: (endpoint, request) => parts.plane.explain(endpoint, request),
    tracedPrediction: async (id, endpoint) => {
      const found = await parts.serving.predictions.find(id, endpoint)
      if (found === undefined)
        throw new Problem(
          'not-found',
          `there is no prediction ${id}; the header x-prediction-id gives a batch, its rows are <batch>-0, <batch>-1 …`,
        )
      return {
        revision: revisionRef({ endpoint: found.endpoint, number: found.revision }),
        shown: {
          ...found,
          at: new Date(found.atMs).toISOString(),
          event: new Date(found.eventMs).toISOString(),
        },
      }
    },
  }
}
