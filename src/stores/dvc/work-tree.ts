import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { WorkTree } from '#data'
import { temporaryBeside, writeWhole } from './atomic.ts'

/** What lies where in a project's folder. `withoutIgnored` takes a name out of the text of a `.gitignore`. */
export function openWorkTree(options: {
  root: string
  /** False where nothing is to be ignored, since there is no Git. */
  ignores: boolean
  cacheFolder: string
  withoutIgnored: (text: string, name: string) => string | undefined
}): WorkTree {
  const { root } = options
  const at = (path: string) => join(root, path)
  return {
    kindOf: (path) => {
      const stats = statSync(at(path), { throwIfNoEntry: false })
      if (stats !== undefined) return stats.isDirectory() ? 'folder' : 'file'
      return isThere(at(path)) ? 'file' : undefined
    },
    linkOnTheWay: (path) => {
      const parts = path.split('/')
      return parts
        .map((_, index) => parts.slice(0, index + 1).join('/'))
        .find((each) => isLink(at(each)) && isFolder(at(each)))
    },
    ownLinks: async (path) => {
      for (const link of linksIn(at(path))) {
        const source = realpathSync(link)
        if (!source.startsWith(`${options.cacheFolder}/`)) await copiedTo(source, link, true)
      }
    },
    remove: async (path) => rm(at(path), { recursive: true, force: true }),
    move: async (from, to) => {
      if (isThere(at(to)))
        throw new Problem(
          'exists',
          `${to} is there already; remove it first, or choose another path`,
        )
      await mkdir(dirname(at(to)), { recursive: true })
      await movedTo(at(from), at(to))
    },
    copyIn: async (source, to, { force }) => {
      if (!existsSync(source))
        throw new Problem('not-found', `cannot add ${source}: there is no such file or folder`)
      await mkdir(dirname(at(to)), { recursive: true })
      await copiedTo(source, at(to), force)
    },
    unignore: async (path) => {
      if (!options.ignores) return undefined
      const file = join(dirname(path), '.gitignore')
      if (!existsSync(at(file))) return undefined
      const before = readFileSync(at(file), 'utf8')
      const after = options.withoutIgnored(before, path.slice(path.lastIndexOf('/') + 1))
      if (after === before) return undefined
      if (after !== undefined) writeWhole(at(file), after)
      else rmSync(at(file), { force: true })
      return after === undefined ? undefined : file
    },
  }
}

/** Links to files at or below a path; those to folders and to nothing are not looked at. */
function linksIn(path: string): string[] {
  if (isLink(path)) return existsSync(path) && !isFolder(path) ? [path] : []
  if (!isFolder(path)) return []
  const found: string[] = []
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isSymbolicLink() || entry.isDirectory())
      found.push(...linksIn(join(path, entry.name)))
  return found
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Also a link to nothing is something. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** By renaming, or, where `to` is on another disk, by a copy that takes the name when it is whole. */
async function movedTo(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copiedTo(from, to, false)
    await rm(from, { recursive: true, force: true })
  }
}

async function copiedTo(source: string, to: string, force: boolean): Promise<void> {
  const temporary = temporaryBeside(to)
  try {
    // Links are followed: what is added must not depend on what lies outside.
    await cp(source, temporary, {
      recursive: true,
      dereference: true,
      errorOnExist: true,
      force: false,
    })
    if (force) rmSync(to, { recursive: true, force: true })
    renameSync(temporary, to)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}
