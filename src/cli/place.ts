import { existsSync, realpathSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { Problem } from '#base/problem'
import { projectRootOf } from '#app/project/root'

/** Where in a project the command was called, and how to read the paths that were given. */
export interface Place {
  /** Absolute path of the project's root. */
  readonly root: string
  /** A path or a stage, as written where the command was called, as the project knows it. */
  target(written: string): string
  targets(written: readonly unknown[] | undefined): string[]
  /** A path as written where the command was called, as the project knows it. */
  path(written: string): string
  /** A path of the project, as one would write it here. */
  shown(path: string): string
  /** The folder of the call, relative to the project's root. */
  readonly folder: string
}

export function placeOf(cwd: string = process.cwd()): Place {
  const here = realpathSync(cwd)
  const root = projectRootOf(here)
  const folder = relative(root, here).split(sep).join('/')
  const target = (written: string) => targetOf({ root, here, folder }, written)
  return {
    root,
    folder,
    target,
    path: (written) => pathOf({ root, here }, written),
    targets: (written = []) => written.map((each) => target(String(each))),
    shown: (path) => (folder === '' ? path : relative(here, join(root, path))),
  }
}

function pathOf(at: { root: string; here: string }, written: string): string {
  const path = relative(at.root, resolve(at.here, written)).split(sep).join('/')
  if (path.startsWith('../') || path === '..')
    throw new Problem('invalid', `${written} is outside the project ${at.root}`)
  return path
}

function targetOf(at: { root: string; here: string; folder: string }, written: string): string {
  const path = pathOf(at, written)
  // Names of stages may hold what paths may not: they are taken as they are where there is no such file.
  const isPath =
    written.includes('/') || written.startsWith('.') || existsSync(resolve(at.here, written))
  if (isPath || at.folder === '') return path
  return existsSync(join(at.here, 'dvc.yaml')) ? `${at.folder}/dvc.yaml:${written}` : path
}
