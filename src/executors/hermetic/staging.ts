import { constants, cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Sight } from '#stages'
import { stateOf } from './paths.ts'
import { shadesIn } from './shades.ts'
import { isAt, outermost } from './system.ts'

/** A folder that stands in for the project inside a room: what the stage makes comes to be here first. */
export interface Staging {
  /** Where it is for this program. */
  readonly folder: string
  /** The project's own paths that are shown in it, never changed. */
  readonly shown: readonly string[]
  /** Those that are shown and changed where they are. */
  readonly shared: readonly string[]
  /** Those of which only the name is to be seen. */
  readonly shades: readonly string[]
  /** Moves what the stage made into the project. */
  bringOut(): void
  /** What the stage left that is none of its outs. */
  leftovers(): string[]
}

/** Of what a stage left where it should not; with more it is a folder that is meant. */
const LEFTOVERS_MAX = 1000

export function stagingFor(
  folder: string,
  { root, workFolder, sight }: { root: string; workFolder: string; sight: Sight },
): Staging {
  const own = [...sight.writes, ...sight.grows].filter(isOwn)
  const [shared, copied] = parted(sight.grows.filter(isOwn), (path) => isFolder(join(root, path)))
  const reads = outermost(sight.reads.filter(isOwn).flatMap((path) => around(root, path, own)))
  const shown = reads.filter((path) => stateOf(join(root, path)) !== undefined)
  mkdirSync(join(folder, workFolder), { recursive: true })
  for (const path of own) {
    const above = parentOf(path)
    if (isFolder(join(root, above))) mkdirSync(join(folder, above), { recursive: true })
  }
  for (const path of copied) copy(join(root, path), join(folder, path))
  const made = [...sight.writes.filter(isOwn), ...copied]
  const visible = [...shown, ...shared, ...made, ...(workFolder === '' ? [] : [workFolder])]
  const shades = shadesIn(folder, { root, visible })
  return {
    folder,
    shown,
    shared,
    shades,
    bringOut: () => {
      for (const path of made) bringOut(join(folder, path), join(root, path))
    },
    leftovers: () => {
      const left = leftIn(folder, '', { root, known: [...shown, ...shared, ...made], shades })
      // What is there, and was taken away, is changed as well.
      const gone = shades.filter((path) => stateOf(join(folder, path)) === undefined)
      return [...left, ...gone].slice(0, LEFTOVERS_MAX)
    },
  }
}

/** Whether a path is one of the project's own, as against one of the machine. */
export function isOwn(path: string): boolean {
  return !path.startsWith('/') && path !== '..' && !path.startsWith('../')
}

/** A folder that is read and in which something is made is shown by its parts. */
function around(root: string, path: string, own: readonly string[]): string[] {
  if (own.includes(path)) return []
  if (!own.some((each) => path === '' || isAt(each, path)) || !isFolder(join(root, path)))
    return path === '' ? [] : [path]
  return readdirSync(join(root, path))
    .filter((name) => path !== '' || !['.git', '.dvc'].includes(name))
    .flatMap((name) => around(root, path === '' ? name : `${path}/${name}`, own))
}

function parentOf(path: string): string {
  const above = dirname(path)
  return above === '.' ? '' : above
}

function copy(from: string, to: string): void {
  if (stateOf(from) === undefined) return
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { mode: constants.COPYFILE_FICLONE, preserveTimestamps: true })
}

function bringOut(from: string, to: string): void {
  if (stateOf(from) === undefined) return
  mkdirSync(dirname(to), { recursive: true })
  rmSync(to, { recursive: true, force: true })
  try {
    renameSync(from, to)
  } catch (error) {
    // A folder of the project may be a link to another disk.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
    rmSync(from, { recursive: true, force: true })
  }
}

interface Known {
  readonly root: string
  readonly known: readonly string[]
  readonly shades: readonly string[]
}

function leftIn(folder: string, path: string, about: Known): string[] {
  const left: string[] = []
  for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
    const each = path === '' ? entry.name : `${path}/${entry.name}`
    if (about.known.some((known) => isAt(each, known)) || isShade(folder, each, about)) continue
    if (!entry.isDirectory()) left.push(each)
    else {
      const inside = leftIn(folder, each, about)
      const isNew =
        stateOf(join(about.root, each)) === undefined &&
        !about.known.some((known) => isAt(known, each))
      // A folder that nobody knew is one thing, whatever is in it.
      left.push(...(isNew ? inside.slice(0, 1).map(() => each) : inside))
    }
    if (left.length >= LEFTOVERS_MAX) break
  }
  return left
}

function isShade(folder: string, path: string, { shades }: Known): boolean {
  if (!shades.includes(path)) return false
  const found = stateOf(join(folder, path))
  return found !== undefined && (found.mode & 0o777) === 0
}

function isFolder(path: string): boolean {
  return stateOf(path)?.isDirectory() === true
}

function parted<T>(items: readonly T[], is: (item: T) => boolean): [T[], T[]] {
  return [items.filter(is), items.filter((item) => !is(item))]
}
