import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ArtifactEntry, ArtifactFolder } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as wire from './artifact-messages.ts'
import { sendFile } from './file-answer.ts'
import * as messages from './messages.ts'
import { versionIn } from './translate-registry.ts'
import { runIdIn, unlessEmpty } from './translate.ts'

/** What pages send whole; larger files go through the artifact proxy. */
const UPLOAD_BYTES_MAX = 10 * 1024 * 1024
/** What S3 allows. */
const EXPIRY_SECONDS_MAX = 7 * 24 * 60 * 60
const EXPIRY_SECONDS = { read: 300, write: 900 } as const

/** The files of a run or a logged model by its identifier, wherever they lie: listed, read, and sent by pages. */
export function artifactListRoutes(app: MlflowApp, parts: MlflowParts): void {
  const { artifacts } = parts.tracking
  app.get(
    '/mlflow/artifacts/list',
    { schema: { querystring: messages.ListArtifacts } },
    async ({ query }) =>
      listing(await artifacts.folderOf({ run: runIdIn(query) }), decodedPath(query.path ?? '')),
  )
  app.get(
    '/mlflow/logged-models/:model_id/artifacts/files',
    { schema: { querystring: wire.ModelFile } },
    async (request, reply) => {
      const { model_id: model } = request.params as { model_id: string }
      const folder = await artifacts.folderOf({ model })
      const path = decodedPath(request.query.artifact_file_path)
      return sendFile(request, reply, await folder.find(path))
    },
  )
  uploadRoute(app, parts)
  presignRoutes(app, parts)
}

/** Small files that pages send with a run's identifier. */
function uploadRoute(app: MlflowApp, { tracking }: MlflowParts): void {
  void app.register(async (raw) => {
    takeAnyBody(raw)
    raw.post(
      '/mlflow/upload-artifact',
      { schema: { querystring: wire.UploadToRun }, bodyLimit: Number.MAX_SAFE_INTEGER },
      async (request) => {
        const { run_uuid: run, path } = request.query as { run_uuid: string; path: string }
        const folder = await tracking.artifacts.folderOf({ run })
        const bytes = await smallBody((request.body as Readable | undefined) ?? request.raw)
        await folder.put(decodedPath(path), bytes)
        return {}
      },
    )
  })
}

function presignRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  const { artifacts } = tracking
  const presigned = async (
    use: 'read' | 'write',
    asked: { run_id?: string; model_id?: string; path: string; expiration?: number },
  ) => {
    const seconds = asked.expiration ?? EXPIRY_SECONDS[use]
    if (seconds < 1 || seconds > EXPIRY_SECONDS_MAX)
      throw new Problem(
        'invalid',
        `expiration must be between 1 and ${EXPIRY_SECONDS_MAX} seconds (got ${seconds}).`,
      )
    const folder = await artifacts.folderOf(ownerIn(asked))
    const path = decodedPath(asked.path)
    return { folder, path, url: await folder.presign(path, use, seconds) }
  }
  app.post(
    '/mlflow/artifacts/presigned-upload-url',
    { schema: { body: wire.Presign } },
    async ({ body }) => ({ presigned_url: (await presigned('write', body)).url, headers: {} }),
  )
  app.post(
    '/mlflow/artifacts/presigned-download-url',
    { schema: { body: wire.Presign } },
    async ({ body }) => {
      const { folder, path, url } = await presigned('read', body)
      const { sizeBytes } = await folder.find(path)
      return { presigned_url: url, headers: {}, file_size: sizeBytes }
    },
  )
}

function ownerIn({ run_id, model_id }: { run_id?: string; model_id?: string }) {
  if (run_id && !model_id) return { run: run_id }
  if (model_id && !run_id) return { model: model_id }
  throw new Problem('invalid', 'Exactly one of run_id and model_id must be provided.')
}

/** Single files, as links on pages ask for them. */
export function artifactFileRoutes(app: MlflowApp, { tracking, registry }: MlflowParts): void {
  const { artifacts } = tracking
  app.get(
    '/get-artifact',
    { schema: { querystring: messages.RunFile } },
    async (request, reply) => {
      const folder = await artifacts.folderOf({ run: runIdIn(request.query) })
      return sendFile(request, reply, await folder.find(decodedPath(request.query.path)))
    },
  )
  app.get(
    '/model-versions/get-artifact',
    { schema: { querystring: wire.VersionFile } },
    async (request, reply) => {
      const { name, version } = request.query
      const path = decodedPath(request.query.path)
      const files = await registry.files(name, versionIn(version))
      // The version's own bytes, whatever lies at the place it was registered from by now.
      const kept = artifacts.folderWith(files)
      return sendFile(request, reply, await kept.find(path))
    },
  )
}

/** What stands below a folder, as `artifacts/list` and its like tell it. */
export async function listing(folder: ArtifactFolder, path: string) {
  const entries = await folder.list(path)
  return { root_uri: folder.uri, ...unlessEmpty({ files: entriesToWire(entries, path) }) }
}

/** Entries with their paths below `folder`; an empty file has no size on the wire. */
export function entriesToWire(entries: readonly ArtifactEntry[], folder: string) {
  return entries.map((entry) => ({
    path: folder === '' ? entry.name : `${folder}/${entry.name}`,
    is_dir: entry.kind === 'folder',
    ...(entry.kind === 'file' && entry.sizeBytes > 0 ? { file_size: entry.sizeBytes } : {}),
  }))
}

/** Lets bodies of every type through as streams. */
export function takeAnyBody(
  app: Pick<MlflowApp, 'addContentTypeParser' | 'removeAllContentTypeParsers'>,
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, body, done) => done(null, body))
}

async function smallBody(bytes: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of bytes) {
    pieces.push(piece as Buffer)
    sizeBytes += (piece as Buffer).length
    if (sizeBytes > UPLOAD_BYTES_MAX)
      throw new Problem('invalid', 'Artifact size is too large. Max size is 10MB.')
  }
  if (sizeBytes === 0) throw new Problem('invalid', 'Request must specify data.')
  return Buffer.concat(pieces)
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
