import type { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { ObjectStore } from '#objects'
import {
  checkedArtifactPath,
  entriesBelow,
  foldersAbove,
  pathOfUri,
  relativeTo,
  type ArtifactEntry,
  type ArtifactFile,
} from './artifact.ts'
import * as facts from './facts.ts'
import { modelOf } from './logged-models.ts'
import { runOf } from './runs.ts'
import type { TrackingReads, TrackingWrites } from './store.ts'

/** Files of runs and logged models: one tree of paths over the object store. */
export interface Artifacts {
  /** Keeps the bytes, then the path; a file that stood there is replaced. Throws `conflict` where a folder stands. */
  put(path: string, bytes: Readable | Buffer): Promise<ArtifactFile>
  /** Throws `not-found`, or `invalid` for a folder. */
  open(path: string): Promise<ArtifactFile & { bytes: Readable }>
  /** What stands directly below a folder; nothing for a file or a path that is not there. */
  list(folder: string): Promise<ArtifactEntry[]>
  /** Every file below a folder, with paths relative to it. */
  files(folder: string): Promise<ArtifactFile[]>
  /** Removes a file, or a folder with all below it. A path that is not there is fine. */
  delete(actor: Actor, path: string): Promise<void>
  /** The folder of a run or a logged model. Throws `unsupported` when its files are kept elsewhere. */
  rootOf(owner: { run: string } | { model: string }): Promise<string>
}

export function createArtifacts({
  read,
  transact,
  objects,
  clock,
}: {
  read: TrackingReads
  transact: Transact<{ tracking: TrackingWrites }>
  objects: ObjectStore
  clock: Clock
}): Artifacts {
  return {
    put: async (path, bytes) => {
      checkedArtifactPath(path)
      const stored = await objects.put(bytes)
      return transact(async ({ tracking }) => {
        await assertPlaceForFile(tracking, path)
        await tracking.putFile({ path, ...stored, atMs: clock.nowMs() })
        return { path, ...stored }
      })
    },
    open: async (path) => {
      const file = await read.findFile(checkedArtifactPath(path))
      if (file !== undefined) return { ...file, bytes: await objects.open(file.digest) }
      if ((await read.filesBelow(path)).length > 0)
        throw new Problem('invalid', `${path} is a folder; list it, and get its files one by one`)
      throw new Problem('not-found', `No such artifact: '${path}'; list its folder`)
    },
    list: async (folder) =>
      entriesBelow(folder, await read.filesBelow(folder === '' ? '' : checkedArtifactPath(folder))),
    files: async (folder) => relativeTo(folder, await read.filesBelow(checkedArtifactPath(folder))),
    delete: (actor, path) =>
      transact(async ({ tracking, ledger }) => {
        const files = await tracking.deleteFiles(checkedArtifactPath(path))
        if (files > 0) await ledger.append(actor, [facts.artifactsDeleted(path, files)])
      }),
    rootOf: async (owner) => {
      const { artifactUri } =
        'run' in owner ? await runOf(read, owner.run) : await modelOf(read, owner.model)
      const root = pathOfUri(artifactUri)
      if (root === undefined)
        throw new Problem(
          'unsupported',
          `the files are kept at ${artifactUri}, outside this server; ask that store for them`,
        )
      return root
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
