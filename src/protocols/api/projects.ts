import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '#ledger'
import { addressOf, type Project, type Projects } from '#projects'

const AddBody = Type.Object(
  {
    origin: Type.String({
      minLength: 1,
      maxLength: 2000,
      description: 'Absolute path or URL of the Git repository.',
    }),
    branch: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]*$' })),
  },
  { additionalProperties: false },
)
const Name = Type.Object({ name: Type.String() })

export function projectToWire(project: Project) {
  const { syncedMs, ...rest } = project
  return { ...rest, origin: addressOf(project), synced: new Date(syncedMs).toISOString() }
}

export function projectRoutes(app: FastifyInstance, projects: Projects, actor: Actor): void {
  app.get('/projects', { schema: { summary: 'List projects' } }, async () => ({
    projects: (await projects.list()).map(projectToWire),
  }))
  app.get<{ Params: { name: string } }>(
    '/projects/:name',
    { schema: { summary: 'Show a project', params: Name } },
    async ({ params }) => projectToWire(await projects.get(params.name)),
  )
  app.post<{ Body: { origin: string; branch?: string } }>(
    '/projects',
    { schema: { summary: 'Add a Git repository, or take in its newest commit', body: AddBody } },
    async ({ body }) => projectToWire(await projects.add(actor, body)),
  )
  app.post<{ Params: { name: string } }>(
    '/projects/:name/sync',
    { schema: { summary: 'Take in the newest commit of a project', params: Name } },
    async ({ params }) => projectToWire(await projects.sync(actor, params.name)),
  )
}
