import { join } from 'node:path'
import { systemClock, type Clock } from '#base/clock'
import type { DataStep } from '#data'
import { gitIgnoreRules, withIgnored, withoutIgnored } from '#protocols/dvc/ignore'
import { printTree, readTree, treeFault } from '#protocols/dvc/tree'
import { gitRootOf, noVersionControl, openGit, type OnWrite } from '#stores/dvc/git'
import { openHashCache } from '#stores/dvc/hash-cache'
import { openProjectLock } from '#stores/dvc/lock'
import { openObjectFolder } from '#stores/dvc/objects'
import { openWorkTree } from '#stores/dvc/work-tree'
import { openWorkspace as openFolder } from '#stores/dvc/workspace'
import { openProjectFiles } from './files.ts'
import { openRemote } from './remote.ts'
import { openRevisions } from './revisions.ts'
import { readSettings } from './settings.ts'

export interface WorkspaceDependencies {
  /** The process environment: settings of dvc and of Git, and what stages run with. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder of the Python environments that stages run in; asked for when one is needed. */
  readonly environments: string | (() => Promise<string>)
  readonly clock?: Clock
  /** Told how far long work with data has come. */
  readonly onStep?: ((step: DataStep) => void) | undefined
  /** How long to wait for another dvc or orrery in the same project. */
  readonly waitSeconds?: number
  /** Told once for whom it is waited. */
  readonly onWait?: (holder: string) => void
  /** Told of a lock or a list of what Git ignores before it is written, with its new text. */
  readonly onWrite?: OnWrite | undefined
}

export type ProjectGround = ReturnType<typeof openGround>

/** What stands below the data and the pipelines of a project's folder. */
export function openGround(root: string, dependencies: WorkspaceDependencies) {
  const { variables, clock = systemClock, onStep, onWrite } = dependencies
  const settings = readSettings(root, variables)
  const { cacheFolder, commandStyle } = settings
  const temporary = join(root, '.dvc', 'tmp')
  const own = join(temporary, 'orrery')
  const trees = { print: printTree, read: readTree, fault: treeFault }
  const files = openProjectFiles({ root, commandStyle, onWrite })
  const cache = openObjectFolder({
    folder: cacheFolder,
    trees,
    shared: settings.shared,
    notes: join(own, 'cache'),
    clock,
  })
  const workspace = openFolder({
    root,
    clock,
    trees,
    cache,
    hashes: openHashCache(join(own, 'hashes')),
    links: settings.links,
    rulesIn: files.rulesIn,
    onStep,
  })
  const hasGit = settings.versionControl && gitRootOf(root) !== undefined
  const { autostage } = settings
  const [whole, brief] = [
    openProjectLock(join(own, 'lock'), waiting(dependencies, 'another orrery')),
    openProjectLock(join(temporary, 'lock'), waiting(dependencies, 'another dvc or orrery')),
  ]
  return {
    root,
    variables,
    clock,
    onStep,
    settings,
    temporary,
    own,
    trees,
    files,
    cache,
    workspace,
    versionControl: hasGit
      ? openGit({ root, autostage, withIgnored, rules: gitIgnoreRules, onWrite })
      : noVersionControl,
    tree: openWorkTree({ root, ignores: hasGit, cacheFolder, withoutIgnored }),
    revisions: hasGit ? openRevisions(root, { commandStyle }) : undefined,
    remote: async (name: string | undefined) =>
      openRemote(settings, name, { cache, trees, variables }),
    whole,
    brief,
    locks: [whole, brief],
  }
}

function waiting({ waitSeconds = 3600, onWait }: WorkspaceDependencies, holder: string) {
  return { waitSeconds, holder, ...(onWait === undefined ? {} : { onWait }) }
}
