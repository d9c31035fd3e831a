import { join } from 'node:path'
import { systemClock } from '#base/clock'
import { messageOf, Problem } from '#base/problem'
import { randomIds } from '#base/ids'
import { isWithin } from '#data'
import type { LoadedPipelines } from '#stages'
import {
  experimentMessage,
  experimentOf,
  EXPERIMENTS,
  nameFault,
  refOf,
  stashOfMessage,
  type ExperimentName,
} from '#protocols/dvc/experiments'
import { openExperimentGit, type NamedCommit } from '#stores/dvc/experiment-refs'
import { openBefore, openBroker, openTasks, openWorkers } from '#stores/dvc/experiment-tasks'
import { openProjectLock } from '#stores/dvc/lock'
import { randomName } from './names.ts'
import type { WorkspaceDependencies } from '../ground.ts'
import type { ProjectWorkspace } from '../workspace.ts'

/** An experiment that is kept. */
export interface Experiment extends ExperimentName, NamedCommit {}

export type ExperimentGround = ReturnType<typeof openExperimentGround>

/** What all that is done with experiments stands on. */
export function openExperimentGround(
  project: ProjectWorkspace,
  dependencies: WorkspaceDependencies,
) {
  const { root } = project
  const { variables, clock = systemClock } = dependencies
  const own = join(root, '.dvc', 'tmp', 'orrery', 'experiments')
  const git = openExperimentGit(root, { scratch: own, variables })
  const lock = openProjectLock(join(own, 'lock'), {
    waitSeconds: 600,
    holder: 'another orrery that changes experiments',
  })
  const all = async (): Promise<Experiment[]> =>
    (await git.list(EXPERIMENTS)).flatMap((each) => {
      const named = experimentOf(each.ref)
      return named === undefined ? [] : [{ ...each, ...named }]
    })
  return {
    root,
    own,
    project,
    dependencies,
    clock,
    ids: randomIds,
    git,
    all,
    tasks: openTasks(join(own, 'tasks')),
    workers: openWorkers(join(own, 'workers')),
    before: openBefore(join(own, 'before.json'), root),
    broker: openBroker(join(root, '.dvc', 'tmp', 'exps', 'celery', 'broker'), stashOfMessage),
    /** Does work while no other orrery changes refs or the queue. */
    alone: async <T>(work: () => Promise<T>): Promise<T> => {
      const release = await lock.acquire()
      try {
        return await work()
      } finally {
        release()
      }
    },
    /** The experiment that a word names, by its name, its ref or its commit. Throws `not-found`. */
    named: async (word: string): Promise<Experiment> => {
      const known = await all()
      const same = known.filter(({ name, ref }) => name === word || ref === word)
      const commit = same.length > 0 ? undefined : await git.resolve(word)
      const found = same.length > 0 ? same : known.filter((each) => each.commit === commit)
      if (found.length <= 1 && found[0] !== undefined) return found[0]
      const head = await git.head()
      const here = found.filter(({ baseline }) => baseline === head)
      if (here.length === 1 && here[0] !== undefined) return here[0]
      throw found.length === 0
        ? new Problem(
            'not-found',
            `there is no experiment ${word}; \`orrery exp list --all-commits\` lists them`,
          )
        : new Problem(
            'conflict',
            `${word} names several experiments; use one of their refs: ${found.map(({ ref }) => ref).join(', ')}`,
          )
    },
  }
}

/** The name that an experiment gets: the one that is asked for, or one that nobody has. Throws for one that is taken. */
export async function nameFor(
  ground: ExperimentGround,
  wish: { name: string | undefined; baseline: string; force: boolean; taken?: readonly string[] },
): Promise<string> {
  const taken = new Set([...(wish.taken ?? []), ...(await ground.all()).map(({ name }) => name)])
  if (wish.name === undefined) {
    for (;;) {
      const name = randomName()
      if (!taken.has(name)) return name
    }
  }
  const fault = nameFault(wish.name)
  if (fault !== undefined) throw new Problem('invalid', fault)
  const ref = refOf({ baseline: wish.baseline, name: wish.name })
  const isTaken =
    wish.taken?.includes(wish.name) === true || (await ground.git.list(ref)).length > 0
  if (!isTaken || wish.force) return wish.name
  throw new Problem(
    'conflict',
    `the experiment ${wish.name} exists already; choose another name with -n, or replace it with --force`,
  )
}

/** Keeps what a folder holds as an experiment; gives its commit. */
export async function kept(
  ground: ExperimentGround,
  what: ExperimentName & {
    folder: string
    project: ProjectWorkspace
    message: string | undefined
    files?: readonly string[]
  },
): Promise<string> {
  const { git } = ground
  const loaded = await what.project.pipelines.load()
  const files = [...(await filesOf(what.project, loaded)), ...(what.files ?? [])]
  const tree = await git.snapshot(what.folder, { files })
  const message = what.message ?? experimentMessage(loaded.locks)
  const commit = await git.commit(tree, [what.baseline], message)
  await ground.alone(() => git.move(refOf(what), commit))
  return commit
}

/** What belongs to an experiment although Git may not track it yet. */
export async function filesOf(
  { views }: Pick<ProjectWorkspace, 'views'>,
  { stages, tracked, pipelineFiles = [] }: LoadedPipelines,
): Promise<string[]> {
  const { workspace } = await views()
  const declared = await workspace.declared().catch((error: unknown) => {
    throw new Problem('invalid', messageOf(error))
  })
  const cached = [
    ...stages.flatMap(({ outs }) => outs.filter((out) => out.cached)),
    ...tracked.filter((out) => out.cached),
  ].map(({ path }) => path)
  const wanted = [
    ...pipelineFiles.flatMap((file) => [file, `${folderOf(file)}dvc.lock`]),
    ...cached.map((path) => `${folderOf(path)}.gitignore`),
    ...stages.flatMap(({ outs }) => outs.filter((out) => !out.cached).map(({ path }) => path)),
    ...stages.flatMap(({ params }) => params.map(({ path }) => path)),
    ...declared.metrics,
    ...declared.params,
  ]
  return [...new Set(wanted)].filter((path) => !cached.some((folder) => isWithin(path, folder)))
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
