import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { Artifacts, DirectArtifacts } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as wire from './artifact-messages.ts'
import { decodedPath, entriesToWire, takeAnyBody } from './artifacts.ts'
import { sendFile } from './file-answer.ts'
import { mediaTypeOf } from './media-type.ts'
import * as messages from './messages.ts'
import { unlessEmpty } from './translate.ts'

const path = '/mlflow-artifacts'
/** As long as a client may wait between asking for an address and having got the last range of a file. */
const DOWNLOAD_SECONDS = 60 * 60

/** Files up, down, listed and deleted: the client's way to artifacts. Bodies stream, of any size and type. */
export async function artifactProxyRoutes(app: MlflowApp, parts: MlflowParts): Promise<void> {
  if (parts.servesArtifacts === false) {
    await app.register(async (refusing) => {
      // Before a body is read.
      refusing.addHook('onRequest', async ({ url }) => refuseAll(url))
      for (const each of [`${path}/artifacts`, `${path}/*`]) refusing.all(each, () => undefined)
    })
    return
  }
  const { tracking, actor } = parts
  const { artifacts } = tracking
  await app.register(async (raw) => {
    takeAnyBody(raw)
    raw.put(
      `${path}/artifacts/*`,
      { bodyLimit: Number.MAX_SAFE_INTEGER },
      async (request, reply) => {
        const { digest } = await received(artifacts, request)
        return reply.code(200).header('etag', `"${digest}"`).send()
      },
    )
  })
  app.get(`${path}/artifacts/*`, async (request, reply) => {
    const { digest, ...file } = await artifacts.find(pathIn(request.params))
    const open = (range?: { start: number; end?: number }) => artifacts.openObject(digest, range)
    return sendFile(request, reply, { ...file, version: digest, open })
  })
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
  directRoutes(app, artifacts)
}

/** Transfers in parts between the client and the bucket. With objects on this machine's disk there is no such way. */
function directRoutes(app: MlflowApp, artifacts: Artifacts): void {
  app.post(
    `${path}/mpu/create/*`,
    { schema: { body: wire.BeginParts } },
    async ({ params, body }) => {
      const direct = directOf(artifacts, 'upload')
      filePath(params, body.path)
      const { id, urls } = await direct.beginUpload(body.num_parts ?? 1)
      const credentials = urls.map((url, index) => ({ url, part_number: index + 1, headers: {} }))
      return { upload_id: id, credentials }
    },
  )
  app.post(
    `${path}/mpu/complete/*`,
    { schema: { body: wire.EndParts } },
    async ({ params, body }) => {
      const direct = directOf(artifacts, 'upload')
      const parts = (body.parts ?? []).map(({ part_number, etag = '' }) => ({
        number: part_number,
        etag,
      }))
      await direct.finishUpload(filePath(params, body.path), body.upload_id, parts)
      return {}
    },
  )
  app.post(`${path}/mpu/abort/*`, { schema: { body: wire.EndParts } }, async ({ body }) => {
    await directOf(artifacts, 'upload').abortUpload(body.upload_id)
    return {}
  })
  app.get(`${path}/presigned/*`, async ({ params }) => {
    const direct = directOf(artifacts, 'download')
    const file = pathIn(params)
    const { url, sizeBytes } = await direct.downloadUrl(file, {
      type: mediaTypeOf(file.split('/').at(-1) ?? ''),
      expiresSeconds: DOWNLOAD_SECONDS,
    })
    return { url, headers: {}, file_size: sizeBytes }
  })
}

/** Keeps the body of a request. What broke off on the way is told as that, and nothing of it stays. */
async function received(artifacts: Artifacts, request: FastifyRequest) {
  // Without a type and a length there may still be bytes.
  const bytes = (request.body as Readable | undefined) ?? request.raw
  const target = pathIn(request.params)
  const { headers } = request
  const expected = digestIn(headers['repr-digest'] ?? headers['content-digest'])
  try {
    return await artifacts.put(target, bytes, expected)
  } catch (error) {
    if (error instanceof Problem || request.raw.complete) throw error
    throw new Problem('invalid', `the upload of ${target} broke off; send it again`)
  }
}

/** The SHA-256 in a header as RFC 9530 writes it, in hex digits. */
function digestIn(header: string | string[] | undefined): string | undefined {
  const [, base64] = /(?:^|[,\s])sha-256=:([A-Za-z0-9+/]{43}=):/.exec(String(header ?? '')) ?? []
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex')
}

/** The client looks for these words, and then sends or gets the file whole. */
function directOf(artifacts: Artifacts, what: 'upload' | 'download'): DirectArtifacts {
  if (artifacts.direct !== undefined) return artifacts.direct
  throw new Problem(
    'unsupported',
    `Multipart ${what} is not supported for the current artifact repository: it keeps files on its own disk, so send and get them whole`,
  )
}

function refuseAll(url: string): never {
  throw new Problem(
    'unsupported',
    `Endpoint: ${url.split('?', 1)[0]} disabled due to the mlflow server running with \`--no-serve-artifacts\`; start it without, or give the experiment an artifact location that the client reaches by itself`,
  )
}

/** The folder in the address and the file's name in the body make the path; a name may come with the client's own folders. */
function filePath(params: unknown, file: string): string {
  const name = decodedPath(file).split(/[/\\]/).at(-1) ?? ''
  const folder = pathIn(params)
  return folder === '' ? name : `${folder}/${name}`
}

function pathIn(params: unknown): string {
  return decodedPath((params as { '*': string })['*'])
}
