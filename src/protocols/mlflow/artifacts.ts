import type { FastifyReply } from 'fastify'
import type { Readable } from 'node:stream'
import type { ArtifactEntry, Tracking } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import { mediaTypeOf } from './media-type.ts'
import * as messages from './messages.ts'
import { runIdIn, unlessEmpty } from './translate.ts'

/** Listing the files of a run by its identifier, as pages and older clients do. */
export function artifactListRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  app.get(
    '/mlflow/artifacts/list',
    { schema: { querystring: messages.ListArtifacts } },
    async ({ query }) => {
      const runId = runIdIn(query)
      const { artifactUri } = await tracking.getRun(runId)
      const root = await tracking.artifacts.rootOf({ run: runId })
      const folder = decodedPath(query.path ?? '')
      const entries = await tracking.artifacts.list(folder === '' ? root : `${root}/${folder}`)
      return { root_uri: artifactUri, ...unlessEmpty({ files: entriesToWire(entries, folder) }) }
    },
  )
}

/** Single files, as links on pages ask for them. */
export function artifactFileRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  app.get(
    '/get-artifact',
    { schema: { querystring: messages.RunFile } },
    async ({ query }, reply) => {
      const root = await tracking.artifacts.rootOf({ run: runIdIn(query) })
      return sendFile(reply, tracking, `${root}/${decodedPath(query.path)}`)
    },
  )
}

export async function sendFile(
  reply: FastifyReply,
  tracking: Tracking,
  path: string,
): Promise<FastifyReply> {
  const { bytes, sizeBytes } = await tracking.artifacts.open(path)
  return sendBytes(reply.header('content-length', sizeBytes), path, bytes)
}

/** Uploaded bytes are only ever handed out as attachments, so that no page of them runs here. */
function sendBytes(reply: FastifyReply, path: string, bytes: Readable): FastifyReply {
  const name = path.split('/').at(-1) ?? ''
  return reply
    .type(mediaTypeOf(name))
    .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    .header('x-content-type-options', 'nosniff')
    .send(bytes)
}

/** Entries with their paths below `folder`; an empty file has no size on the wire. */
export function entriesToWire(entries: readonly ArtifactEntry[], folder: string) {
  return entries.map((entry) => ({
    path: folder === '' ? entry.name : `${folder}/${entry.name}`,
    is_dir: entry.kind === 'folder',
    ...(entry.kind === 'file' && entry.sizeBytes > 0 ? { file_size: entry.sizeBytes } : {}),
  }))
}

/** A path without any percent-encoding, however often it was encoded: nothing hides in it then. */
export function decodedPath(path: string): string {
  let plain = path
  for (let round = 0; round < 10; round++) {
    const decoded = plain.replace(/(?:%[0-9a-fA-F]{2})+/g, decodedRun)
    if (decoded === plain) break
    plain = decoded
  }
  return plain.replace(/\/+$/, '')
}

function decodedRun(encoded: string): string {
  return Buffer.from(encoded.replaceAll('%', ''), 'hex').toString('utf8')
}
