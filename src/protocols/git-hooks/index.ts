import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HookCall } from '#automation'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { HookConfig, Project } from '#projects'
import { provenBy } from './proof.ts'
import { pushIn } from './push.ts'

export interface GitHookParts {
  project(name: string): Promise<Project>
  /** Takes a proven call; false where it was taken before. */
  call(call: HookCall): Promise<boolean>
  /** The value of one of the server's environment variables. */
  secret(variable: string): string | undefined
  readonly clock: Clock
}

/** The largest payload that GitHub sends. */
const BODY_BYTES_MAX = 25 * 1024 ** 2

/** Calls of Git hosts and of others that know a secret: `POST /hooks/PROJECT/HOOK`. */
export async function gitHooksProtocol(app: FastifyInstance, parts: GitHookParts): Promise<void> {
  // What is signed are the bytes, so that nothing may read them before the proof.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.post<{ Params: { project: string; hook: string }; Body: unknown }>(
    '/hooks/:project/:hook',
    { schema: { hide: true }, bodyLimit: BODY_BYTES_MAX },
    async (request, reply) => {
      const { project, hook } = request.params
      const { from, secret } = secretOf(await hookOf(parts, project, hook), parts, hook)
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const shown = { headers: request.headers, body }
      const proven = provenBy(from, secret, shown, parts.clock.nowMs())
      if (proven === undefined)
        throw new Problem(
          'unauthenticated',
          `the call of the hook ${hook} is not signed with its secret${from === 'hmac' ? ', or its time is more than five minutes from ours' : ''}`,
        )
      const push = pushIn(from, proven.event, jsonIn(request, body))
      const isNew = await parts.call({ project, hook, from, ...proven, push })
      return reply.code(isNew ? 202 : 200).send({ taken: isNew, event: proven.event })
    },
  )
}

async function hookOf(parts: GitHookParts, project: string, hook: string): Promise<HookConfig> {
  const unknown = new Problem('not-found', `there is no hook ${hook} of a project ${project}`)
  let found: Project
  try {
    found = await parts.project(project)
  } catch {
    throw unknown
  }
  const { hooks = {} } = found.config
  const config = Object.hasOwn(hooks, hook) ? hooks[hook] : undefined
  if (config === undefined) throw unknown
  return config
}

function secretOf(
  { from, secret: variable }: HookConfig,
  { secret }: GitHookParts,
  hook: string,
): { from: HookConfig['from']; secret: string } {
  const value = secret(variable)
  if (value !== undefined && value.length >= SECRET_CHARS_MIN) return { from, secret: value }
  throw new Problem(
    'unavailable',
    `the hook ${hook} has no secret on this server: set its environment variable to ${SECRET_CHARS_MIN} characters or more and start the server again`,
  )
}

/** A shorter one can be guessed from a signature. */
const SECRET_CHARS_MIN = 16

/** The body as JSON, also where it is the field of a form; undefined where it is neither. */
function jsonIn({ headers }: FastifyRequest, body: Buffer): unknown {
  const text = body.toString()
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  try {
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown
  } catch {
    return undefined
  }
}
