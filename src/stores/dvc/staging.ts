import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openIncoming, syncFileSystem } from './incoming.ts'

/**
 * Objects that are made of files while these are hashed: copies beside their places, or, where links are wanted,
 * the files themselves. Copies are synced and get their names when all that belongs together was hashed.
 */
export interface Staging {
  readonly objects: string
  readonly token: string
  readonly folderMode: number
  readonly byLink: boolean
  /** Where the copy with that MD5 lies. */
  readonly copies: Map<string, string>
  /** Absolute paths of files that became objects. */
  readonly linked: Set<string>
  /** Links are made of what is on the disk only: waits until all is that was written so far. */
  begin(): Promise<boolean>
  /** Takes in that so many were made. */
  noteCopy(md5: string, index: number): void
  close(): Promise<void>
}

/** What was written goes to the disk while more is written, so that less is to be waited for at the end. */
const COPIES_A_SYNC = 5000

export function openStaging(options: {
  /** Of the cache. */
  folder: string
  root: string
  folderMode: number
  byLink: boolean
}): Staging {
  const { folder, root, folderMode, byLink } = options
  const objects = join(folder, 'files', 'md5')
  mkdirSync(folder, { recursive: true })
  const incoming = openIncoming(folder)
  const copies = new Map<string, string>()
  let [unsynced, syncing] = [0, undefined as Promise<boolean> | undefined]
  const syncSome = () => {
    if (syncing !== undefined || ++unsynced < COPIES_A_SYNC) return
    unsynced = 0
    syncing = syncFileSystem(folder).finally(() => {
      syncing = undefined
    })
  }
  return {
    objects,
    token: incoming.token,
    folderMode,
    byLink,
    copies,
    linked: new Set(),
    begin: async () => !byLink || (isOneDisk(root, folder) && (await syncFileSystem(root))),
    noteCopy: (md5, index) => {
      const path = incoming.besides(join(objects, md5.slice(0, 2), 'x'), index)
      if (copies.has(md5)) rmSync(path, { force: true })
      else copies.set(md5, path)
      syncSome()
    },
    close: async () => {
      await syncing
      for (const path of copies.values()) rmSync(path, { force: true })
      incoming.remove()
    },
  }
}

function isOneDisk(one: string, other: string): boolean {
  return statSync(one).dev === statSync(other).dev
}
