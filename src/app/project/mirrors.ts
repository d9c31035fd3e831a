import { existsSync, statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { sha256 } from '#base/digest'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { git } from '../data/git.ts'

/** The Git repository that an address names. */
export interface Repository {
  /** The folder that Git is asked in: the work tree itself, or the mirror of a repository elsewhere. */
  readonly folder: string
  /** Whether it is a folder of this machine with files in it. */
  readonly isLocal: boolean
  /** Brings what is new elsewhere; nothing to do for a folder here. */
  refresh(): Promise<void>
}

/**
 * Finds a repository by a path, counted from `base`, or by an address, of which a mirror is kept in `mirrors`.
 * Refuses what Git would take for an option or for a command to run.
 */
export async function repositoryAt(
  url: string,
  at: { base: string; mirrors: string },
): Promise<Repository> {
  const path = resolve(at.base, url.replace(/^file:\/\//, ''))
  if (!isAddress(url) && isFolderHere(path) && !isBare(path))
    return { folder: path, isLocal: true, refresh: async () => {} }
  const origin = isFolderHere(path) && !/^(https?|ssh):/.test(url) ? path : checkedAddress(url)
  const mirror = join(at.mirrors, sha256(origin).slice(0, 16))
  if (!existsSync(join(mirror, 'HEAD'))) await cloned(origin, mirror)
  return {
    folder: mirror,
    isLocal: false,
    refresh: async () => {
      await git(mirror, ['fetch', '--quiet', '--prune', '--tags', '--force', 'origin'])
    },
  }
}

async function cloned(origin: string, mirror: string): Promise<void> {
  const half = `${mirror}.${randomIds.ulid()}.half`
  await mkdir(dirname(half), { recursive: true })
  await git(dirname(mirror), ['clone', '--quiet', '--mirror', '--', origin, half])
  try {
    await rename(half, mirror)
  } catch (error) {
    // Another process was faster.
    await rm(half, { recursive: true, force: true })
    if (!existsSync(join(mirror, 'HEAD'))) throw error
  }
}

function isAddress(url: string): boolean {
  return /^(https?|ssh|git):\/\//.test(url) || /^[\w.-]+@[\w.-]+:/.test(url)
}

function checkedAddress(url: string): string {
  if (isAddress(url) && !/[\0\n]/.test(url) && !/^\w+:\/\/-|@-/.test(url)) return url
  throw new Problem(
    'invalid',
    `${JSON.stringify(url)} is neither a folder nor the address of a repository; give a path, or an https or ssh address`,
  )
}

function isFolderHere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isBare(path: string): boolean {
  return existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects'))
}
