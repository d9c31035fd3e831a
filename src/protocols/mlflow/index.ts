import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { assertUnicode, textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import type { MlflowApp, MlflowParts } from './app.ts'
import { artifactProxyRoutes } from './artifact-proxy.ts'
import { artifactFileRoutes, artifactListRoutes } from './artifacts.ts'
import { answerError, answerUnknownEndpoint } from './errors.ts'
import { evaluationDatasetRoutes } from './evaluation-datasets.ts'
import { experimentRoutes } from './experiments.ts'
import { graphQlRoutes } from './graphql/index.ts'
import { loggedModelRoutes } from './logged-models.ts'
import { serverInfoRoutes, versionRoute } from './meta.ts'
import { metricRoutes } from './metrics.ts'
import { modelVersionRoutes } from './model-versions.ts'
import { registeredModelRoutes } from './registered-models.ts'
import { runLogRoutes } from './run-log.ts'
import { runRoutes } from './runs.ts'
import { traceRoutes2, traceRoutes3 } from './traces/index.ts'
import type { TraceParts } from './traces/parts.ts'
import { scorerRoutes, type EvaluationParts } from './scorers.ts'
import { excerpt, mlflowValidator } from './validate.ts'
import { webhookRoutes, type WebhookParts } from './webhooks.ts'

/** Clients come by `/api`, MLflow's own pages by `/ajax-api`; the answers are the same. */
const PREFIXES = ['/api', '/ajax-api'] as const

/** MLflow's REST protocol, for unmodified clients. */
export async function mlflowProtocol(
  http: FastifyInstance,
  parts: MlflowParts & WebhookParts & TraceParts & EvaluationParts,
): Promise<void> {
  const mount = (prefix: string, routes: (app: MlflowApp) => void | Promise<void>) =>
    http.register(
      async (scope) => {
        const app = scope.withTypeProvider<TypeBoxTypeProvider>()
        speakMlflow(app)
        await routes(app)
      },
      { prefix },
    )

  await mount('', (app) => {
    versionRoute(app)
    graphQlRoutes(app)
    artifactFileRoutes(app, parts)
  })
  for (const prefix of PREFIXES) {
    await mount(`${prefix}/2.0`, async (app) => {
      app.setNotFoundHandler(answerUnknownEndpoint)
      experimentRoutes(app, parts)
      runRoutes(app, parts)
      runLogRoutes(app, parts)
      metricRoutes(app, parts)
      artifactListRoutes(app, parts)
      await artifactProxyRoutes(app, parts)
      loggedModelRoutes(app, parts)
      registeredModelRoutes(app, parts)
      modelVersionRoutes(app, parts)
      traceRoutes2(app, parts)
      webhookRoutes(app, parts)
    })
    await mount(`${prefix}/3.0`, (app) => {
      app.setNotFoundHandler(answerUnknownEndpoint)
      serverInfoRoutes(app, parts)
      traceRoutes3(app, parts)
      evaluationDatasetRoutes(app, parts)
      scorerRoutes(app, parts)
    })
  }
}

/** Reads bodies, checks them and tells failures as MLflow does. */
function speakMlflow(app: MlflowApp): void {
  app.setValidatorCompiler(mlflowValidator)
  app.setErrorHandler(answerError)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes, done) => {
    try {
      done(null, fieldsIn(textOf(bytes as Buffer)))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** The fields of a body; an empty one has none. MLflow takes what it cannot read for empty too, and makes things that nobody asked for. */
function fieldsIn(text: string): unknown {
  if (text.trim() === '') return {}
  const body = jsonIn(text)
  // Very old clients send the JSON as a JSON text.
  const fields = typeof body === 'string' ? jsonIn(body) : body
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return fields
  throw new Problem('invalid', `the body must be a JSON object, not ${excerpt(fields)}`)
}

function jsonIn(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid', `the body is not valid JSON: ${messageOf(error)}`)
  }
  assertUnicode(value, text)
  return value
}
