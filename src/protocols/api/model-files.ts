import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { ObjectStore } from '#objects'
import type { Registry } from '#registry'

export const Version = Type.Object({
  model: Type.String(),
  version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})

const FilesWire = Type.Object({
  model: Type.String(),
  version: Type.Integer(),
  digest: Type.Union([Type.String(), Type.Null()], {
    description: 'Of all files together; null where they are kept elsewhere.',
  }),
  created: Type.String({ format: 'date-time' }),
  files: Type.Array(
    Type.Object({
      path: Type.String(),
      sizeBytes: Type.Integer(),
      digest: Type.String({ description: 'SHA-256 of its bytes.' }),
    }),
  ),
})

const Content = Type.Object({
  path: Type.String({ description: 'Of one of its files.', examples: ['MLmodel'] }),
})

/** The files of a model version, as they were when it was registered. */
export function modelFileRoutes(
  app: FastifyInstance,
  { registry, objects }: { registry: Registry; objects: Pick<ObjectStore, 'open'> },
): void {
  const tags = ['models']
  app.get<{ Params: { model: string; version: number } }>(
    '/models/:model/versions/:version/files',
    {
      schema: {
        tags,
        summary: 'The files of a model version',
        params: Version,
        response: { 200: FilesWire },
      },
    },
    async ({ params: { model, version } }) => {
      const { digest, createdMs } = await registry.versions.get(model, version)
      const files = await registry.files(model, version)
      return {
        model,
        version,
        digest,
        created: new Date(createdMs).toISOString(),
        files: files.map((file) => ({
          path: file.path,
          sizeBytes: file.sizeBytes,
          digest: file.digest,
        })),
      }
    },
  )

  app.get<{ Params: { model: string; version: number }; Querystring: { path: string } }>(
    '/models/:model/versions/:version/files/content',
    {
      schema: {
        tags,
        summary: 'The bytes of one file of a model version',
        params: Version,
        querystring: Content,
      },
    },
    async ({ params: { model, version }, query: { path } }, reply) => {
      const files = await registry.files(model, version)
      const file = files.find((each) => each.path === path)
      if (file === undefined)
        throw new Problem(
          'not-found',
          `${model} version ${version} has no file ${path}; it has ${files.map((each) => each.path).join(', ') || 'none'}`,
        )
      return reply
        .headers({ 'content-length': file.sizeBytes, etag: `"${file.digest}"` })
        .type('application/octet-stream')
        .send(await objects.open(file.digest))
    },
  )
}
