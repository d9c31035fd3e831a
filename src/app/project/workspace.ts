import { basename, join } from 'node:path'
import {
  createData,
  movingSteps,
  type Data,
  type Imports,
  type ProjectLock,
  type Upkeep,
} from '#data'
import { processExecutor } from '#executors/process/index'
import { createPipelines, type Checks, type Environments, type Pipelines } from '#stages'
import { printRun, readRun, runKey, runValue } from '#protocols/dvc/run-cache'
import { openOutsAside } from '#stores/dvc/aside'
import { commitSecondsOf, gitStateOf } from '#stores/dvc/git'
import { openPathLocks } from '#stores/dvc/path-locks'
import { openRunCache } from '#stores/dvc/run-cache'
import { courierOf } from './courier.ts'
import { declaredIn } from './declared.ts'
import { enclosuresOf } from './enclosures.ts'
import { environmentsOf } from './environments.ts'
import { openGround, type ProjectGround, type WorkspaceDependencies } from './ground.ts'
import { machine } from './machine.ts'
import { partsKeeping } from './parts.ts'
import { openRemote } from './remote.ts'
import type { ProjectRevisions } from './revisions.ts'
import type { StageEdits } from './stage-edits.ts'
import { openStageFiles } from './stage-files.ts'
import type { OpenedTables, TableGround } from './tables.ts'
import { openTrackedFiles } from './tracked-files.ts'
import { openUpkeep } from './upkeep.ts'
import type { ProjectViews, ViewsGround } from './views.ts'

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

export function openWorkspace(root: string, dependencies: WorkspaceDependencies): ProjectWorkspace {
  const ground = openGround(root, dependencies)
  const { settings, variables, trees, clock, workspace, cache, files, versionControl } = ground
  const { revisions, remote, locks } = ground
  const { cacheFolder, commandStyle } = settings
  const kept = { root, workspace, cache, cacheFolder, catalog: files, revisions, commandStyle }
  const looks = lookingGlasses(kept)
  const environments = environmentsOf(root, { ...dependencies, linked: [cacheFolder] })
  return {
    root,
    data: dataOf(ground),
    pipelines: pipelinesOf(ground, { environments, tables: looks.tables }),
    upkeep: openUpkeep({ root, settings, variables, workspace, cache, remote, locks, clock }),
    imports: async () => {
      const { openImports } = await import('./imports.ts')
      const reads = { root, settings, variables, trees, clock, workspace, cache, catalog: files }
      const sending = sendingOf(ground)
      return openImports({ ...reads, versionControl, locks, sending, onStep: dependencies.onStep })
    },
    environments,
    stageEdits: async () => {
      const { openStageEdits } = await import('./stage-edits.ts')
      return openStageEdits({ root, files, versionControl, commandStyle, locks })
    },
    revisions,
    ...looks,
  }
}

/** Where what goes to a remote alone is kept on its way. */
function sendingOf({ own }: ProjectGround): string {
  return join(own, 'sending')
}

function dataOf(ground: ProjectGround, locks: readonly ProjectLock[] = ground.locks): Data {
  const { settings, variables, trees, clock, workspace, cache, files, tree } = ground
  return createData({
    workspace,
    cache,
    catalog: files,
    versionControl: ground.versionControl,
    tree,
    trackedFiles: openTrackedFiles(ground.root),
    courier: courierOf({
      folder: sendingOf(ground),
      trees,
      clock,
      onStep: ground.onStep,
      remote: (name, from) => openRemote(settings, name, { cache: from, trees, variables }),
    }),
    revisions: ground.revisions,
    remote: ground.remote,
    runs: async () => (await import('./run-places.ts')).runPlaces(settings, variables),
    locks,
  })
}

function pipelinesOf(
  ground: ProjectGround,
  { environments, tables }: Pick<ProjectWorkspace, 'environments' | 'tables'>,
): Pipelines {
  const { root, own, settings, variables, workspace, cache, files, tree, clock } = ground
  const { enclosures, enclose } = enclosuresOf(ground)
  const coming = () => movingSteps('fetched', ground.onStep)
  return createPipelines({
    root,
    workspace,
    cache,
    catalog: files,
    files,
    tree,
    stageFiles: openStageFiles(root),
    versionControl: ground.versionControl,
    runCache: openRunCache(settings.cacheFolder, {
      key: runKey,
      value: runValue,
      print: printRun,
      read: readRun,
    }),
    project: async () => (await declaredIn(root)).project ?? basename(root),
    checks: checksOf(ground, tables),
    tests: {
      read: async (paths) => (await import('./test-reports.ts')).testReports(root).read(paths),
    },
    plots: {
      of: async (stage) =>
        (await import('./stage-plots.ts'))
          .stagePlots({
            root,
            catalog: files,
            cache,
            cacheFolder: settings.cacheFolder,
            revisions: ground.revisions,
            commandStyle: settings.commandStyle,
          })
          .of(stage),
    },
    executor: processExecutor({
      root,
      shell: variables['SHELL'] || '/bin/sh',
      environment: variables,
      enclose,
    }),
    enclosures,
    environments,
    // Whoever reproduces has the project's locks.
    fetch: async (paths) => void (await dataOf(ground, []).fetch(paths, coming())),
    bring: (outs) => dataOf(ground, []).bring(outs, coming()),
    aside: openOutsAside(root, join(own, 'aside')),
    parts: partsKeeping(ground),
    whole: ground.whole,
    brief: ground.brief,
    holdPaths: openPathLocks(root, ground.temporary),
    versionState: () => gitStateOf(root),
    commitSeconds: () => commitSecondsOf(root),
    machine: machine(),
    nowMs: () => clock.nowMs(),
  })
}

/** What is said of data before a stage reads it, loaded when it is asked for. One for all stages: they take turns. */
function checksOf(
  { root, own, files, clock }: ProjectGround,
  tables: ProjectWorkspace['tables'],
): Checks {
  let checks: Promise<Checks> | undefined
  const pipelineFiles = async () => [
    ...new Set(['dvc.yaml', ...(await files.load()).stages.map(({ file }) => file)]),
  ]
  const opened = () =>
    (checks ??= import('./checks.ts').then(({ projectChecks }) =>
      projectChecks({ root, tables, files: pipelineFiles, kept: join(own, 'verdicts'), clock }),
    ))
  return {
    of: async (paths, how) => (await opened()).of(paths, how),
    lost: async (names) => (await opened()).lost(names),
  }
}

/** What looks into the project's data and files; each is loaded when it is asked for. */
function lookingGlasses(
  kept: TableGround & ViewsGround,
): Pick<ProjectWorkspace, 'tables' | 'views'> {
  return {
    tables: async () => (await import('./tables.ts')).openProjectTables(kept),
    views: async () => (await import('./views.ts')).openViews(kept, () => gitStateOf(kept.root)),
  }
}
