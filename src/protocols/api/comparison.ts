import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '#base/problem'

/** Gives how live and shadow answers fared on the same labelled rows of a span. */
export type CompareRoles = (
  endpoint: string,
  span: { fromMs: number; toMs: number },
) => Promise<{
  predictions: number
  labels: number
  /** Labelled predictions that both answered. */
  compared: number
  live: number | null
  shadow: number | null
}>

export function comparisonRoutes(app: FastifyInstance, compare: CompareRoles): void {
  app.get<{ Params: { name: string }; Querystring: { from: string; to: string } }>(
    '/endpoints/:name/comparison',
    {
      schema: {
        summary:
          'Compare the live revision with its shadow: ROC-AUC on the labelled predictions of a span of event time that both answered, and how many these are',
        params: Type.Object({ name: Type.String() }),
        querystring: Type.Object({ from: Type.String(), to: Type.String() }),
      },
    },
    async ({ params, query }) => {
      const span = { fromMs: timeOf('from', query.from), toMs: timeOf('to', query.to) }
      if (span.fromMs >= span.toMs)
        throw new Problem(
          'invalid',
          `from is ${query.from} and to is ${query.to}; from must be before to`,
        )
      return compare(params.name, span)
    },
  )
}

function timeOf(name: string, text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new Problem(
      'invalid',
      `${name} is ${JSON.stringify(text)}; write a time as 2013-03-01T00:00:00Z`,
    )
  return ms
}
