import { stringify } from 'node:querystring'
import type { FastifyRequest } from 'fastify'
import { Problem } from '#base/problem'
import type { MlflowApp } from '../app.ts'
import { GraphQl } from '../messages.ts'
import { snakeCase, type Ask } from './fields.ts'

/**
 * MLflow's run pages ask by GraphQL. Each root field is one of our REST endpoints under another name, so it
 * checks, searches and refuses in the same words.
 */
export function graphQlRoutes(app: MlflowApp): void {
  app.post('/graphql', { schema: { body: GraphQl } }, async (request) => {
    const { query, variables, operationName } = request.body
    if (query === undefined || query === '')
      throw new Problem('invalid', "Missing value for required parameter 'query'. Send a query")
    // Few ask, and every start would pay for loading it.
    const { answerQuery } = await import('./engine.ts')
    return answerQuery({ query, variables, operationName }, askerFor(app, request))
  })
}

/** Asks in the name of whoever sent the request. */
function askerFor(app: MlflowApp, { headers }: FastifyRequest): Ask {
  const { host, authorization, cookie } = headers
  return async (method, path, fields) => {
    const url = `/api/2.0/mlflow/${path}`
    const own = Object.fromEntries(
      Object.entries({ host, authorization, cookie }).filter(([, value]) => value !== undefined),
    )
    const answer = await (method === 'GET'
      ? app.inject({ method, url: `${url}?${stringify(queryOf(fields))}`, headers: own })
      : app.inject({ method, url, payload: fields, headers: own }))
    const body = answer.json<{ message?: string }>()
    if (answer.statusCode === 200) return body
    throw new Error(body.message ?? `the server answered ${answer.statusCode}`)
  }
}

/** Fields for a query string, which has snake_case names and nothing for what is missing. */
function queryOf(fields: object) {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [snakeCase(name), value]),
  ) as Record<string, string | string[] | number>
}
