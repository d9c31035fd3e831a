import type { FastifyInstance } from 'fastify'
import type { Family } from './family.ts'
import { CONTENT_TYPES, formatFor, textOf } from './text.ts'

export type { Family, Labels, Sample } from './family.ts'

/** Where TensorFlow Serving is scraped, beside the place that everybody else is. */
const PATHS = ['/metrics', '/monitoring/prometheus/metrics']

/** What Prometheus and its like scrape. */
export async function prometheusProtocol(
  app: FastifyInstance,
  { families }: { families: () => Promise<readonly Family[]> },
): Promise<void> {
  for (const path of PATHS)
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      const format = formatFor(request.headers.accept)
      const text = textOf(await families(), format)
      return reply.type(CONTENT_TYPES[format]).send(text)
    })
}
