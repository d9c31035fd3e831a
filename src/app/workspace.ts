import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { systemClock, type Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { createData, type DataStep, type Data, type Imports, type Upkeep } from '#data'
import type { Requirements } from '#executors/environment/index'
import { processExecutor } from '#executors/process/index'
import { createPipelines, type Checks, type Environments, type Pipelines } from '#stages'
import { withIgnored, withoutIgnored } from '#protocols/dvc/ignore'
import { printRun, readRun, runKey, runValue } from '#protocols/dvc/run-cache'
import { printTree, readTree, treeFault } from '#protocols/dvc/tree'
import { openOutsAside } from '#stores/dvc/aside'
import { gitRootOf, gitStateOf, noVersionControl, openGit } from '#stores/dvc/git'
import { openHashCache } from '#stores/dvc/hash-cache'
import { openProjectLock } from '#stores/dvc/lock'
import { openObjectFolder } from '#stores/dvc/objects'
import { openPathLocks } from '#stores/dvc/path-locks'
import { openRunCache } from '#stores/dvc/run-cache'
import { openWorkTree } from '#stores/dvc/work-tree'
import { openWorkspace as openFolder } from '#stores/dvc/workspace'
import { courierOf } from './project-courier.ts'
import { openProjectFiles } from './project-files.ts'
import { openRevisions, type ProjectRevisions } from './project-revisions.ts'
import { openRemote } from './project-remote.ts'
import { machine } from './machine.ts'
import { readSettings } from './project-settings.ts'
import type { StageEdits } from './project-stage-edits.ts'
import type { OpenedTables, TableGround } from './project-tables.ts'
import type { ProjectViews, ViewsGround } from './project-views.ts'
import { openStageFiles } from './project-stage-files.ts'
import { openTrackedFiles } from './project-tracked-files.ts'
import { openUpkeep } from './project-upkeep.ts'

export interface WorkspaceDependencies {
  /** The process environment: settings of dvc and of Git, and what stages run with. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder of the Python environments that stages run in; asked for when one is needed. */
  readonly environments: string | (() => Promise<string>)
  readonly clock?: Clock
  /** Told how far long work with data has come. */
  readonly onStep?: (step: DataStep) => void
  /** How long to wait for another dvc or orrery in the same project. */
  readonly waitSeconds?: number
  /** Told once for whom it is waited. */
  readonly onWait?: (holder: string) => void
}

/** Data and pipelines of one project folder. */
export interface ProjectWorkspace {
  /** Absolute path of the project's root. */
  readonly root: string
  readonly data: Data
  readonly pipelines: Pipelines
  /** Takes away what nothing needs, finds and mends what is damaged. */
  readonly upkeep: Upkeep
  /** Data that comes from other repositories and addresses; loaded when it is asked for. */
  readonly imports: () => Promise<Imports>
  /** What its files said at earlier commits; undefined without Git. */
  readonly revisions: ProjectRevisions | undefined
  /** What its stages run in. */
  readonly environments: Environments
  /** Its tables; whoever opens them closes them. Loaded when asked for, with the engine that reads them. */
  readonly tables: () => Promise<OpenedTables>
  /** Its files as they stand and as they were at commits. */
  readonly views: () => Promise<ProjectViews>
  /** Writes stages into its `dvc.yaml` files. */
  readonly stageEdits: () => Promise<StageEdits>
}

/** The project that a folder lies in: the nearest one at or above it that has `.dvc`. Throws `not-found`. */
export function projectRootOf(folder: string): string {
  for (let here = resolve(folder); ; here = dirname(here)) {
    if (existsSync(join(here, '.dvc', 'config')) || existsSync(join(here, '.dvc', '.gitignore')))
      return here
    if (dirname(here) === here)
      throw new Problem(
        'not-found',
        `${resolve(folder)} is not inside a project; run \`orrery init\` at its root`,
      )
  }
}

export function openWorkspace(root: string, dependencies: WorkspaceDependencies): ProjectWorkspace {
  const { variables, clock = systemClock, waitSeconds = 3600, onWait } = dependencies
  const settings = readSettings(root, variables)
  const temporary = join(root, '.dvc', 'tmp')
  const own = join(temporary, 'orrery')
  const trees = { print: printTree, read: readTree, fault: treeFault }
  const files = openProjectFiles({ root, commandStyle: settings.commandStyle })
  const cache = openObjectFolder({
    folder: settings.cacheFolder,
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
    onStep: dependencies.onStep,
  })
  const hasGit = settings.versionControl && gitRootOf(root) !== undefined
  const versionControl = hasGit
    ? openGit({ root, autostage: settings.autostage, withIgnored })
    : noVersionControl
  const whole = openProjectLock(join(own, 'lock'), {
    waitSeconds,
    holder: 'another orrery',
    ...(onWait === undefined ? {} : { onWait }),
  })
  const brief = openProjectLock(join(temporary, 'lock'), {
    waitSeconds,
    holder: 'another dvc or orrery',
    ...(onWait === undefined ? {} : { onWait }),
  })
  const revisions = hasGit
    ? openRevisions(root, { commandStyle: settings.commandStyle })
    : undefined

  const tree = openWorkTree({
    root,
    ignores: hasGit,
    cacheFolder: settings.cacheFolder,
    withoutIgnored,
  })
  const data = createData({
    workspace,
    cache,
    catalog: files,
    versionControl,
    tree,
    trackedFiles: openTrackedFiles(root),
    courier: courierOf({
      folder: join(own, 'sending'),
      trees,
      clock,
      remote: (name, from) => openRemote(settings, name, { cache: from, trees, variables }),
    }),
    revisions,
    remote: async (name) => openRemote(settings, name, { cache, trees, variables }),
    locks: [whole, brief],
  })
  const reads = { root, settings, variables, trees, workspace, cache, catalog: files }
  const imports = async () =>
    (await import('./project-imports.ts')).openImports({
      ...reads,
      versionControl,
      locks: [whole, brief],
    })
  const upkeep = openUpkeep({
    root,
    settings,
    variables,
    workspace,
    cache,
    remote: async (name) => openRemote(settings, name, { cache, trees, variables }),
    locks: [whole, brief],
    clock,
  })
  const environments = environmentsOf(root, dependencies)
  // One for all stages: they take turns.
  let checks: Promise<Checks> | undefined
  const pipelines = createPipelines({
    root,
    workspace,
    cache,
    catalog: files,
    files,
    tree,
    stageFiles: openStageFiles(root),
    versionControl,
    runCache: openRunCache(settings.cacheFolder, {
      key: runKey,
      value: runValue,
      print: printRun,
      read: readRun,
    }),
    project: async () => (await projectConfig(root)).project ?? basename(root),
    checks: {
      of: async (paths, how) => {
        checks ??= import('./project-checks.ts').then(({ projectChecks }) =>
          projectChecks({ root, tables, kept: join(own, 'verdicts'), clock }),
        )
        return (await checks).of(paths, how)
      },
    },
    executor: processExecutor({
      root,
      shell: variables['SHELL'] || '/bin/sh',
      environment: variables,
    }),
    environments,
    aside: openOutsAside(root, join(own, 'aside')),
    whole,
    brief,
    holdPaths: openPathLocks(root, temporary),
    versionState: () => gitStateOf(root),
    machine: machine(),
    nowMs: () => clock.nowMs(),
  })
  const { cacheFolder, commandStyle } = settings
  const kept = { root, workspace, cache, cacheFolder, catalog: files, revisions, commandStyle }
  const { tables, views } = lookingGlasses(kept)
  const locks = [whole, brief]
  const stageEdits = async () => {
    const { openStageEdits } = await import('./project-stage-edits.ts')
    return openStageEdits({ root, files, versionControl, commandStyle, locks })
  }
  const looks = { revisions, tables, views }
  return { root, data, pipelines, upkeep, imports, environments, stageEdits, ...looks }
}

/** What looks into the project's data and files; each is loaded when it is asked for. */
function lookingGlasses(
  kept: TableGround & ViewsGround,
): Pick<ProjectWorkspace, 'tables' | 'views'> {
  return {
    tables: async () => (await import('./project-tables.ts')).openProjectTables(kept),
    views: async () =>
      (await import('./project-views.ts')).openViews(kept, () => gitStateOf(kept.root)),
  }
}

/** Looks into orrery.yaml only when a stage really runs. */
function environmentsOf(root: string, dependencies: WorkspaceDependencies): Environments {
  return {
    prepare: async (onProgress, signal) => {
      const { virtualEnvironments } = await import('#executors/environment/index')
      const { environment } = await projectConfig(root)
      const { environments } = dependencies
      const built = virtualEnvironments({
        spec: {
          python: environment?.python,
          requirements: requirementsAt(root, environment?.requirements),
        },
        folder: typeof environments === 'string' ? environments : await environments(),
        environment: dependencies.variables,
        // Installing may take long, and whoever waits needs the result.
        lockAt: (file) =>
          openProjectLock(file, {
            waitSeconds: 3600,
            holder: 'another builder of this environment',
          }),
      })
      return built.prepare(onProgress, signal)
    },
  }
}

function requirementsAt(root: string, path: string | undefined): Requirements | undefined {
  if (path === undefined) return undefined
  const file = join(root, path)
  if (!existsSync(file))
    throw new Problem(
      'not-found',
      `orrery.yaml names ${path} as the requirements, which does not exist`,
    )
  return { file, text: withIncluded(file, new Set()) }
}

/** A requirements file with those that it names by -r and -c. */
function withIncluded(file: string, seen: Set<string>): string {
  if (seen.has(file) || !existsSync(file)) return ''
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const named = [...text.matchAll(/^\s*(?:-[rc]|--requirement|--constraint)[\s=]*(\S+)/gm)]
  return [
    text,
    ...named.map((match) => withIncluded(resolve(dirname(file), match[1] ?? ''), seen)),
  ].join('\n')
}

interface ProjectConfig {
  readonly project?: string
  readonly environment?: { python?: string; requirements?: string } | undefined
}

async function projectConfig(root: string): Promise<ProjectConfig> {
  const file = join(root, 'orrery.yaml')
  if (!existsSync(file)) return {}
  const { parseProjectFile } = await import('#protocols/project-file/index')
  const { config, problems } = parseProjectFile(readFileSync(file, 'utf8'))
  if (config === undefined)
    throw new Problem('invalid', `orrery.yaml is not right: ${problems.join('; ')}`)
  return config
}
