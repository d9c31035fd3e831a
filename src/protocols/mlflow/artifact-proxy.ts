import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { MlflowApp, MlflowParts } from './app.ts'
import { decodedPath, entriesToWire, sendFile } from './artifacts.ts'
import * as messages from './messages.ts'
import { unlessEmpty } from './translate.ts'

const path = '/mlflow-artifacts'

/** Files up, down, listed and deleted: the client's way to artifacts. Bodies stream, of any size and type. */
export async function artifactProxyRoutes(
  app: MlflowApp,
  { tracking, actor }: MlflowParts,
): Promise<void> {
  const { artifacts } = tracking
  await app.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', (_request, body, done) => done(null, body))
    raw.put(
      `${path}/artifacts/*`,
      { bodyLimit: Number.MAX_SAFE_INTEGER },
      async (request, reply) => {
        // Without a type and a length there may still be bytes.
        const bytes = (request.body as Readable | undefined) ?? request.raw
        await artifacts.put(pathIn(request.params), bytes)
        return reply.code(200).send()
      },
    )
  })
  app.get(`${path}/artifacts/*`, async ({ params }, reply) =>
    sendFile(reply, tracking, pathIn(params)),
  )
  app.delete(`${path}/artifacts/*`, async ({ params }) => {
    await artifacts.delete(actor, pathIn(params))
    return {}
  })
  app.get(
    `${path}/artifacts`,
    { schema: { querystring: messages.ListProxied } },
    async ({ query }) => {
      const entries = await artifacts.list(decodedPath(query.path ?? ''))
      return unlessEmpty({ files: entriesToWire(entries, '') })
    },
  )
  app.post(`${path}/mpu/:step/*`, () => refuse('upload'))
  app.get(`${path}/presigned/*`, () => refuse('download'))
}

/** The client looks for these words, and then sends or gets the file whole. */
function refuse(what: string): never {
  throw new Problem(
    'unsupported',
    `Multipart ${what} is not supported: this server streams files whole`,
  )
}

function pathIn(params: unknown): string {
  return decodedPath((params as { '*': string })['*'])
}
