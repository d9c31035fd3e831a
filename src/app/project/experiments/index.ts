import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Problem } from '#base/problem'
import { QUEUED, queuedIn, refOf } from '#protocols/dvc/experiments'
import {
  kept,
  nameFor,
  openExperimentGround,
  type Experiment,
  type ExperimentGround,
} from './ground.ts'
import { applyExperiment, type Applied } from './apply.ts'
import {
  pulled,
  pushed,
  remoteExperiments,
  removedThere,
  type Shared,
  type SharingHow,
} from './sharing.ts'
import { shownExperiments, type ShowHow } from './table.ts'
import type { ShownBaseline } from '#protocols/dvc/experiment-show'
import { openQueue, type ExperimentQueue } from './queue.ts'
import {
  recovered,
  runApart,
  runHere,
  startingPoint,
  type ExperimentOrder,
  type ExperimentResult,
} from './runs.ts'
import { isRunning } from '#stores/dvc/processes'
import type { WorkspaceDependencies } from '../ground.ts'
import type { ProjectWorkspace } from '../workspace.ts'

export type { Experiment } from './ground.ts'
export type { ExperimentOrder, ExperimentResult } from './runs.ts'

/** Which experiments are meant: by the commits that they were made from. */
export interface Baselines {
  /** The newest commit at hand where nothing is named. */
  readonly revs?: readonly string[]
  readonly last?: number
  readonly branches?: boolean
  readonly tags?: boolean
  readonly commits?: boolean
}

/** Which experiments a command is about. */
export interface Meant extends Baselines {
  readonly names?: readonly string[]
  readonly keep?: boolean
  /** They are looked for on this Git remote. */
  readonly remote?: string
}

/** Trials of other parameters or code, kept as DVC's experiments. */
export interface Experiments {
  readonly ground: ExperimentGround
  readonly queue: ExperimentQueue
  /** Runs in the folder. When it fails, the folder is as it was. */
  runHere(order: ExperimentOrder): Promise<ExperimentResult>
  /** Runs in a work tree of its own. */
  runApart(
    order: ExperimentOrder & { readonly copy?: readonly string[] },
  ): Promise<ExperimentResult>
  /** Keeps what the folder holds. */
  save(how: {
    readonly name?: string | undefined
    readonly message?: string | undefined
    readonly replace?: boolean
    readonly include?: readonly string[]
  }): Promise<Experiment>
  list(which: Baselines): Promise<Experiment[]>
  apply(word: string, how: { readonly force: boolean }): Promise<Applied>
  /** Makes a branch of it; gives the branch. */
  branch(word: string, branch: string | undefined): Promise<string>
  rename(word: string, to: string, how: { readonly force: boolean }): Promise<Experiment>
  /** Here, or on a Git remote. */
  remove(experiments: readonly Experiment[], remote?: string): Promise<void>
  /** What words and commits name: experiments, and names of those that only wait. With `keep` all others. */
  meant(which: Meant): Promise<{ meant: Experiment[]; waits: string[] }>
  push(which: Meant & { readonly remote: string }, how: SharingHow): Promise<Shared>
  pull(which: Meant & { readonly remote: string }, how: SharingHow): Promise<Shared>
  /** The folder, the commits and what was made from them, with all their figures. */
  show(which: Baselines, how: ShowHow): Promise<ShownBaseline[]>
  /** How people call those commits: by a branch or a tag, if there is one. */
  baselineNames(commits: readonly string[]): Promise<Map<string, string>>
  /** A name that no experiment has. */
  freshName(): Promise<string>
  /** Removes folders that ended or killed experiments left; gives them. */
  clean(): Promise<string[]>
  /** Puts back what an experiment left behind whose process was killed; gives its name. */
  recover(): Promise<string | undefined>
}

export function openExperiments(
  project: ProjectWorkspace,
  dependencies: WorkspaceDependencies,
): Experiments {
  const ground = openExperimentGround(project, dependencies)
  const { git, root, own, ids } = ground
  const queue = openQueue(ground)
  return {
    ground,
    queue,
    runHere: (order) => runHere(ground, order),
    runApart: async (order) => {
      const { tree, head } = await startingPoint(ground, order)
      const taken = await waitingNames(ground)
      const force = order.replace === true
      const name = await nameFor(ground, { name: order.name, baseline: head, force, taken })
      const folder = join(own, 'trees', `${process.pid}-${ids.ulid().toLowerCase()}`)
      const { repro, message, copy = [] } = order
      return runApart(ground, { tree, baseline: head, name, message, folder, copy, repro })
    },
    save: async ({ name: wish, message, replace = false, include = [] }) => {
      await recovered(ground)
      const baseline = await git.head()
      const name = await nameFor(ground, { name: wish, baseline, force: replace })
      await project.pipelines.commit([], { agreed: always })
      await project.data.commit([], { agreed: always })
      const commit = await kept(ground, {
        name,
        baseline,
        folder: root,
        project,
        message,
        files: include,
      })
      const ref = refOf({ baseline, name })
      return { name, baseline, commit, ref, madeAtMs: ground.clock.nowMs(), message: '' }
    },
    list: async (which) => {
      const baselines = await commitsOf(ground, which)
      const all = await ground.all()
      return which.commits === true ? all : all.filter((each) => baselines.has(each.baseline))
    },
    apply: (word, how) => applyExperiment(ground, word, how),
    ...naming(ground),
    remove: (experiments, remote) =>
      remote === undefined
        ? ground.alone(() => git.drop(experiments.map(({ ref }) => ref)))
        : removedThere(ground, remote, experiments),
    meant: (which) => meantBy(ground, which),
    ...sharing(ground),
    show: async (which, how) => {
      const commits = [...(await commitsOf(ground, which)).keys()]
      const names = await baselineNames(ground, commits)
      const baselines = new Map(commits.map((commit) => [commit, names.get(commit) ?? null]))
      return shownExperiments(ground, queue, { baselines, how })
    },
    baselineNames: (commits) => baselineNames(ground, commits),
    freshName: async () => {
      const taken = await waitingNames(ground)
      return nameFor(ground, { name: undefined, baseline: await git.head(), force: false, taken })
    },
    clean: () => cleaned(ground),
    recover: () => recovered(ground),
  }
}

function naming(ground: ExperimentGround): Pick<Experiments, 'branch' | 'rename'> {
  const { git } = ground
  return {
    branch: async (word, wish) => {
      const experiment = await ground.named(word)
      const branch = wish ?? `${experiment.name}-branch`
      await git.git(['check-ref-format', '--branch', branch]).catch(() => {
        throw new Problem('invalid', `${branch} cannot be the name of a branch`)
      })
      if ((await git.resolve(`refs/heads/${branch}`)) !== undefined)
        throw new Problem('conflict', `the branch ${branch} exists already; choose another name`)
      await git.move(`refs/heads/${branch}`, experiment.commit, '')
      return branch
    },
    rename: async (word, to, { force }) => {
      const experiment = await ground.named(word)
      const name = await nameFor(ground, { name: to, baseline: experiment.baseline, force })
      const ref = refOf({ baseline: experiment.baseline, name })
      if (name === experiment.name) return experiment
      await ground.alone(async () => {
        if (force) await git.drop((await git.list(ref)).map((each) => each.ref))
        await git.rename(experiment, ref)
      })
      return { ...experiment, name, ref }
    },
  }
}

function sharing(ground: ExperimentGround): Pick<Experiments, 'push' | 'pull'> {
  return {
    push: async (which, how) => {
      const { remote, ...here } = which
      const { meant } = await meantBy(ground, here)
      return pushed(ground, { remote, experiments: meant }, how)
    },
    pull: async (which, how) => {
      const { meant } = await meantBy(ground, which)
      return pulled(ground, { remote: which.remote, experiments: meant }, how)
    },
  }
}

/** The commits whose experiments are asked for. */
async function commitsOf(
  { git, project: { revisions } }: ExperimentGround,
  { revs = [], last = 1, branches = false, tags = false, commits = false }: Baselines,
): Promise<Map<string, readonly string[]>> {
  if (revisions === undefined) return new Map()
  const isAny = revs.length > 0 || branches || tags || commits
  // Says what to do in a repository that nobody has committed to.
  if (!isAny) await git.head()
  const found = await revisions.all({
    revs: isAny ? revs : ['HEAD'],
    last: last < 0 ? Number.MAX_SAFE_INTEGER : last,
    branches,
    tags,
    commits,
  })
  return new Map(found.map(({ commit, names }) => [commit, names]))
}

async function meantBy(
  ground: ExperimentGround,
  { names = [], keep = false, remote, ...baselines }: Meant,
): Promise<{ meant: Experiment[]; waits: string[] }> {
  const all = remote === undefined ? await ground.all() : await remoteExperiments(ground, remote)
  const byCommit =
    baselines.revs === undefined && baselines.commits !== true
      ? undefined
      : await commitsOf(ground, baselines)
  const waiting = remote === undefined ? await waitingNames(ground) : []
  const isNamed = (each: Experiment) => names.some((word) => matches(each, word))
  const lost = names.find(
    (word) => !waiting.includes(word) && !all.some((each) => matches(each, word)),
  )
  if (lost !== undefined)
    throw new Problem(
      'not-found',
      `there is no experiment ${lost}${remote === undefined ? '' : ` on ${remote}`}; \`orrery exp list --all-commits\` lists those that are here`,
    )
  const found = all.filter(
    (each) => isNamed(each) || baselines.commits === true || byCommit?.has(each.baseline) === true,
  )
  const chosen = keep ? all.filter((each) => !found.includes(each)) : found
  return { meant: chosen, waits: keep ? [] : waiting.filter((name) => names.includes(name)) }
}

function matches({ name, ref, commit }: Experiment, word: string): boolean {
  return word === name || word === ref || (word.length >= 4 && commit.startsWith(word))
}

async function baselineNames(
  { git }: ExperimentGround,
  commits: readonly string[],
): Promise<Map<string, string>> {
  const wanted = new Set(commits)
  const [tags, heads] = [await git.list('refs/tags/'), await git.list('refs/heads/')]
  const names = new Map<string, string>()
  const at = (await git.git(['symbolic-ref', '--quiet', 'HEAD']).catch(() => '')).trim()
  // The branch at hand wins over other branches, and a tag over all.
  for (const { ref, commit } of [...heads, ...heads.filter((head) => head.ref === at), ...tags])
    if (wanted.has(commit)) names.set(commit, ref.replace(/^refs\/(?:heads|tags)\//, ''))
  return names
}

/** Work trees of processes that are gone; those of tasks that wait again are made anew. */
async function cleaned(ground: ExperimentGround): Promise<string[]> {
  const { tasks, git, own } = ground
  const isAtWork = ground.workers.all().length > 0
  const running = tasks.all().filter((task) => task.status === 'running' && tasks.isAlive(task))
  const used = new Set(running.map(({ stash }) => tasks.work(stash)))
  const trees = [
    ...foldersIn(join(own, 'trees')).filter(
      (folder) => !isRunning(Number(basename(folder).split('-')[0]), undefined),
    ),
    ...(isAtWork ? [] : tasks.all().map(({ stash }) => tasks.work(stash))),
  ].filter((folder) => existsSync(folder) && !used.has(folder))
  for (const folder of trees) await ground.alone(() => git.dropWorkTree(folder))
  return trees
}

async function waitingNames({ git }: ExperimentGround): Promise<string[]> {
  return (await git.logged(QUEUED)).flatMap(({ message }) => queuedIn(message)?.name ?? [])
}

function foldersIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

/** Whoever keeps what is there, wants it as it is. */
async function always(): Promise<boolean> {
  return true
}
