import type { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { DirectTransfers, ObjectStore, StoredObject } from '#objects'
import {
  checkedArtifactPath,
  entriesBelow,
  foldersAbove,
  pathOfUri,
  relativeTo,
  type ArtifactEntry,
  type ArtifactFile,
} from './artifact.ts'
import {
  isFolder,
  noSuchArtifact,
  type ArtifactFolder,
  type FolderFile,
} from './artifact-folder.ts'
import { outsideFolder } from './artifact-outside.ts'
import * as facts from './facts.ts'
import { modelOf } from './logged-models.ts'
import type { OutsideFiles } from './outside.ts'
import { runOf } from './runs.ts'
import type { TrackingReads, TrackingWrites } from './store.ts'

/** Files of runs and logged models: one tree of paths over the object store. */
export interface Artifacts {
  /**
   * Keeps the bytes, then the path; a file that stood there is replaced. Throws `conflict` where a folder stands, and
   * `invalid` for bytes that have not the expected digest.
   */
  put(path: string, bytes: Readable | Buffer, expected?: string): Promise<ArtifactFile>
  /** Throws `not-found`, or `invalid` for a folder. */
  find(path: string): Promise<ArtifactFile>
  /** Throws `not-found`, or `invalid` for a folder. */
  open(path: string): Promise<ArtifactFile & { bytes: Readable }>
  /** What stands directly below a folder; nothing for a file or a path that is not there. */
  list(folder: string): Promise<ArtifactEntry[]>
  /** Every file below a folder, with paths relative to it. */
  files(folder: string): Promise<ArtifactFile[]>
  /** Removes a file, or a folder with all below it. A path that is not there is fine. */
  delete(actor: Actor, path: string): Promise<void>
  /** The folder of a run or a logged model. Throws `unsupported` when its files are kept elsewhere. */
  rootOf(owner: Owner): Promise<string>
  /** The folder of a run or a logged model, wherever it lies. */
  folderOf(owner: Owner): Promise<ArtifactFolder>
  /** The folder at an address, wherever it lies. */
  folderAt(uri: string): ArtifactFolder
  /** Files that somebody else keeps the list of, over the same objects. */
  folderWith(files: readonly ArtifactFile[]): Pick<ArtifactFolder, 'find'>
  /** The bytes of a file by their digest. Throws `not-found`. */
  openObject(digest: string, range?: { start: number; end?: number }): Promise<Readable>
  /** Transfers past this server, if its store can do that. */
  readonly direct: DirectArtifacts | undefined
}

export type Owner = { readonly run: string } | { readonly model: string }

export interface DirectArtifacts extends Pick<DirectTransfers, 'beginUpload' | 'abortUpload'> {
  finishUpload(
    path: string,
    id: string,
    parts: readonly { number: number; etag: string }[],
  ): Promise<ArtifactFile>
  downloadUrl(
    path: string,
    options: { type: string; expiresSeconds: number },
  ): Promise<{ url: string; sizeBytes: number }>
}

interface Dependencies {
  readonly read: TrackingReads
  readonly transact: Transact<{ tracking: TrackingWrites }>
  readonly objects: ObjectStore
  readonly outside: OutsideFiles
  readonly clock: Clock
}

export function createArtifacts(dependencies: Dependencies): Artifacts {
  const { read, transact, objects, clock } = dependencies
  const keep = (path: string, stored: StoredObject) =>
    transact(async ({ tracking }) => {
      await assertPlaceForFile(tracking, path)
      await tracking.putFile({ path, ...stored, atMs: clock.nowMs() })
      return { path, ...stored }
    })
  const find = async (path: string) => {
    const file = await read.findFile(checkedArtifactPath(path))
    if (file !== undefined) return file
    if ((await read.filesBelow(path)).length > 0) throw isFolder(path)
    throw noSuchArtifact(path)
  }
  const own: OwnFiles = {
    put: async (path, bytes, expected) => {
      await assertPlaceForFile(read, checkedArtifactPath(path))
      return keep(path, await objects.put(bytes, expected))
    },
    find,
    open: async (path) => {
      const file = await find(path)
      return { ...file, bytes: await objects.open(file.digest) }
    },
    list: async (folder) =>
      entriesBelow(folder, await read.filesBelow(folder === '' ? '' : checkedArtifactPath(folder))),
    files: async (folder) => relativeTo(folder, await read.filesBelow(checkedArtifactPath(folder))),
  }
  return {
    ...own,
    delete: (actor, path) =>
      transact(async ({ tracking, ledger }) => {
        const files = await tracking.deleteFiles(checkedArtifactPath(path))
        if (files > 0) await ledger.append(actor, [facts.artifactsDeleted(path, files)])
      }),
    openObject: (digest, range) => objects.open(digest, range),
    folderWith: (files) => ({
      find: async (path) => {
        const checked = checkedArtifactPath(path)
        const file = files.find((each) => each.path === checked)
        if (file !== undefined) return folderFile(file, objects)
        throw files.some((each) => each.path.startsWith(`${path}/`))
          ? isFolder(path)
          : noSuchArtifact(path)
      },
    }),
    direct: objects.direct === undefined ? undefined : directArtifacts(objects.direct, keep, find),
    ...artifactFolders(dependencies, own),
  }
}

type OwnFiles = Pick<Artifacts, 'put' | 'find' | 'open' | 'list' | 'files'>

function artifactFolders(
  { read, objects, outside }: Dependencies,
  own: OwnFiles,
): Pick<Artifacts, 'rootOf' | 'folderOf' | 'folderAt'> {
  const uriOf = async (owner: Owner) => {
    const kept = 'run' in owner ? await runOf(read, owner.run) : await modelOf(read, owner.model)
    return kept.artifactUri
  }
  const folderAt = (uri: string) => {
    const root = pathOfUri(uri)
    return root === undefined
      ? outsideFolder(uri, { outside, objects })
      : ownFolder(uri, root, { own, objects })
  }
  return {
    folderAt,
    folderOf: async (owner) => folderAt(await uriOf(owner)),
    rootOf: async (owner) => {
      const uri = await uriOf(owner)
      const root = pathOfUri(uri)
      if (root === undefined)
        throw new Problem(
          'unsupported',
          `the files are kept at ${uri}, outside this server; ask that store for them`,
        )
      return root
    },
  }
}

function ownFolder(
  uri: string,
  root: string,
  { own, objects }: { own: OwnFiles; objects: ObjectStore },
): ArtifactFolder {
  const below = (path: string) => (path === '' ? root : `${root}/${path}`)
  return {
    uri,
    put: async (path, bytes) => void (await own.put(below(path), bytes)),
    find: async (path) => {
      return folderFile({ ...(await own.find(below(path))), path }, objects)
    },
    list: (path) => own.list(below(path)),
    files: (path) => own.files(below(path)),
    presign: (_, use) => {
      throw new Problem(
        'invalid',
        `Presigned ${use === 'read' ? 'download' : 'upload'} is not supported for proxied artifact storage: the files of ${uri} go through this server; send or get them whole`,
      )
    },
  }
}

function folderFile({ path, digest, sizeBytes }: ArtifactFile, objects: ObjectStore): FolderFile {
  return { path, sizeBytes, version: digest, open: (range) => objects.open(digest, range) }
}

function directArtifacts(
  direct: DirectTransfers,
  keep: (path: string, stored: StoredObject) => Promise<ArtifactFile>,
  find: (path: string) => Promise<ArtifactFile>,
): DirectArtifacts {
  return {
    beginUpload: (parts) => direct.beginUpload(parts),
    abortUpload: (id) => direct.abortUpload(id),
    finishUpload: async (path, id, parts) =>
      keep(checkedArtifactPath(path), await direct.finishUpload(id, parts)),
    downloadUrl: async (path, options) => {
      const { digest, sizeBytes } = await find(path)
      const name = path.split('/').at(-1) ?? ''
      return { url: await direct.downloadUrl(digest, { ...options, name }), sizeBytes }
    },
  }
}

async function assertPlaceForFile(tracking: TrackingReads, path: string): Promise<void> {
  for (const folder of foldersAbove(path))
    if ((await tracking.findFile(folder)) !== undefined)
      throw new Problem(
        'conflict',
        `${folder} is a file, so nothing can be put below it; choose another path or delete it first`,
      )
  if ((await tracking.filesBelow(path)).length > 0)
    throw new Problem(
      'conflict',
      `${path} is a folder, so no file can take its place; choose another path or delete it first`,
    )
}
