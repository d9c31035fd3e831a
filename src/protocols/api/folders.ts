import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Actor } from '#ledger'
import type { Browsing, ListedExperiment } from '#tracking'
import { FoldersWire, MoveWire, type ExperimentWire } from './folders-wire.ts'
import { lifecyclesOf, plainJson } from './runs.ts'

const Text = Type.String({ maxLength: 500 })
const ListQuery = Type.Object({
  folder: Type.String({ maxLength: 500, default: '', description: 'Empty is the outermost.' }),
  search: Type.Optional(
    Type.String({
      maxLength: 500,
      description: 'Experiments at any depth in the folder whose names hold this.',
    }),
  ),
  view: Type.Union([Type.Literal('active'), Type.Literal('deleted'), Type.Literal('all')], {
    default: 'active',
  }),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Of each kind.' }),
  afterFolder: Type.Optional(Text),
  after: Type.Optional(
    Type.String({ maxLength: 500, description: 'Experiments after this name.' }),
  ),
})
const MoveBody = Type.Object(
  {
    from: Type.String({ minLength: 1, maxLength: 500, description: 'A folder or an experiment.' }),
    to: Type.String({ maxLength: 500, description: 'What it is called then.' }),
    preview: Type.Optional(Type.Boolean({ description: 'Tell what it would rename, and do not.' })),
  },
  { additionalProperties: false },
)

const RENAMES_TOLD_MAX = 1000

/** Experiments in folders: a `/` in a name is one. */
export function folderRoutes(
  app: FastifyInstance,
  { folders }: Pick<Browsing, 'folders'>,
  actor: Actor,
): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/experiments',
    {
      schema: {
        summary: 'List the folders and experiments of a folder, or search experiments by name',
        querystring: ListQuery,
        response: { 200: FoldersWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ query: { folder, search, view, limit, after, afterFolder } }) => {
      const lifecycles = lifecyclesOf(view)
      if (search !== undefined && search !== '') {
        const page = { folder, search, lifecycles, limit, after: after ?? '' }
        const { experiments, next } = await folders.search(page)
        return { folder, folders: [], experiments: experiments.map(toWire), nextFolder: null, next }
      }
      const listing = await folders.list({
        folder,
        lifecycles,
        limit,
        afterFolder: afterFolder ?? null,
        afterExperiment: after ?? null,
      })
      const { nextExperiment, experiments, ...rest } = listing
      return { ...rest, experiments: experiments.map(toWire), next: nextExperiment }
    },
  )
  app.post<{ Body: Static<typeof MoveBody> }>(
    '/experiments/move',
    {
      schema: {
        summary: 'Rename a folder with all experiments in it, or an experiment: all or none',
        body: MoveBody,
        response: { 200: MoveWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ body: { from, to, preview = false } }) => {
      const renames = preview
        ? await folders.preview(from, to)
        : await folders.move(actor, from, to)
      return {
        moved: !preview,
        experiments: renames.length,
        renames: renames.slice(0, RENAMES_TOLD_MAX),
      }
    },
  )
}

function toWire({ lifecycle, createdMs, updatedMs, ...rest }: ListedExperiment): ExperimentWire {
  return {
    ...rest,
    view: lifecycle,
    created: new Date(createdMs).toISOString(),
    updated: new Date(updatedMs).toISOString(),
  }
}
