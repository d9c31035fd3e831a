import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import { instantMs } from '#inference'
import type { Actor } from '#ledger'
import { durationMs, durationPattern } from '#projects'
import type { Serving } from '#serving'
import type { ColumnSketch } from '#sketches'

/** Reads the file in which another system keeps a profile. Throws `invalid` for others. */
export type ReadProfile = (bytes: Buffer) => {
  readonly atMs: number
  readonly columns: ReadonlyMap<string, { readonly sketch: ColumnSketch }>
}

const Columns = Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { maxItems: 2000 })

const ToldProfile = Type.Object(
  {
    profile: Type.String({
      minLength: 1,
      description: 'The bytes of a file that whylogs 1 has written, in base64',
    }),
    outputs: Columns,
    inputs: Type.Optional(Columns),
    without: Type.Optional(
      Type.Array(Type.String(), { description: 'Columns that are neither: ids, truths' }),
    ),
    modelVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 250 })),
    time: Type.Optional(
      Type.String({ description: 'When the predictions began, if the profile does not say it' }),
    ),
    span: Type.Optional(
      Type.String({
        pattern: durationPattern,
        examples: ['1d'],
        description: 'How long they took, as 1h or 1d',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Profiles of predictions that were made by other systems. */
export function toldProfileRoutes(
  app: FastifyInstance,
  {
    serving,
    readProfile,
  }: { serving: Pick<Serving, 'recordToldProfile' | 'endpoints'>; readProfile: ReadProfile },
  actor: Actor,
): void {
  app.post<{ Params: { name: string }; Body: Static<typeof ToldProfile> }>(
    '/endpoints/:name/profiles',
    {
      schema: {
        summary:
          'Tell what predictions looked like that another system made, by a profile of whylogs',
        description:
          'Answered when it is durable. A profile that is known changes nothing. It lies in the hour in which it begins.',
        body: ToldProfile,
      },
    },
    async ({ params, body }) => {
      const { name: endpoint } = await serving.endpoints.get(params.name)
      const bytes = Buffer.from(body.profile, 'base64')
      const { atMs, columns } = readProfile(bytes)
      const startMs = body.time === undefined ? atMs : instantMs(body.time)
      if (startMs === undefined)
        throw new Problem('invalid', `${JSON.stringify(body.time)} is no time; write RFC 3339`)
      return serving.recordToldProfile(actor, {
        endpoint,
        digest: sha256(bytes),
        columns: new Map([...columns].map(([name, { sketch }]) => [name, sketch])),
        startMs,
        spanMs: body.span === undefined ? null : durationMs(body.span),
        modelVersion: body.modelVersion ?? null,
        outputs: body.outputs,
        inputs: body.inputs ?? null,
        without: body.without ?? [],
      })
    },
  )
}
