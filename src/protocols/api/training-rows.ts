import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Registry } from '#registry'
import { Version } from './model-files.ts'

/** Gives rows of what a version was trained on as Parquet; throws `not-found` where that is not known. */
export interface TrainingRows {
  of(model: string, version: number, rowsMax: number): Promise<Uint8Array>
}

const Rows = Type.Object({
  rows: Type.Integer({ minimum: 1, maximum: 20_000, default: 1000, description: 'At most.' }),
})

/** Rows of what a version was trained on, as lineage knows it: a conversion is compared on them. */
export function trainingRowRoutes(
  app: FastifyInstance,
  { registry, trainingRows }: { registry: Registry; trainingRows: TrainingRows },
): void {
  app.get<{ Params: { model: string; version: number }; Querystring: { rows: number } }>(
    '/models/:model/versions/:version/training-rows',
    {
      schema: {
        tags: ['models'],
        summary: 'Rows of what a model version was trained on, chosen by chance, as Parquet',
        params: Version,
        querystring: Rows,
      },
    },
    async ({ params: { model, version }, query: { rows } }, reply) => {
      await registry.versions.get(model, version)
      return reply
        .type('application/vnd.apache.parquet')
        .send(Buffer.from(await trainingRows.of(model, version, rows)))
    },
  )
}
