import { messageOf } from '#base/problem'
import { metricsIn, paramsIn, type LoadedPipelines, type ProjectView } from '#stages'
import type { Look, ShownBaseline, ShownExperiment } from '#protocols/dvc/experiment-show'
import type { ExperimentGround } from './ground.ts'
import type { ExperimentQueue } from './queue.ts'
import type { ProjectViews } from '../views.ts'

/** What of the queue is left out. */
export interface ShowHow {
  readonly hideWorkspace?: boolean
  readonly hideQueued?: boolean
  readonly hideFailed?: boolean
  /** Only parameters that stages depend on. */
  readonly stagesOnly?: boolean
}

/** The folder, the commits, and below each the experiments that were made from it. */
export async function shownExperiments(
  ground: ExperimentGround,
  queue: ExperimentQueue,
  at: { baselines: ReadonlyMap<string, string | null>; how: ShowHow },
): Promise<ShownBaseline[]> {
  const { project, git } = ground
  const { baselines, how } = at
  const views = await project.views()
  const look = async (view: ProjectView, of: Pick<Look, 'rev' | 'name' | 'atMs'>) =>
    lookAt(view, { ...of, stagesOnly: how.stagesOnly === true })
  const commitLook = async (commit: string, name: string | null) =>
    look(await views.at(commit), { rev: commit, name, atMs: await git.timeOf(commit) })
  const kept = await ground.all()
  const inQueue = await pendingOf(queue, how)
  const shown: ShownBaseline[] = []
  if (how.hideWorkspace !== true)
    shown.push({
      look: await look(views.workspace, { rev: 'workspace', name: null, atMs: null }),
      experiments: [],
    })
  for (const [commit, name] of baselines) {
    const here: ShownExperiment[] = []
    for (const each of kept.filter(({ baseline }) => baseline === commit)) {
      const isQueued = false
      here.push({
        name: each.name,
        state: 'success',
        isQueued,
        look: await keptLook(views, each, look),
      })
    }
    const waiting = inQueue.filter(({ baseline }) => baseline === commit)
    const more: ShownExperiment[] = []
    for (const { stash, name: called, state } of waiting)
      more.push({
        name: called,
        state,
        isQueued: true,
        look: { ...(await commitLook(stash, called)), metrics: new Map() },
      })
    shown.push({ look: await commitLook(commit, name), experiments: inOrder([...here, ...more]) })
  }
  return shown
}

async function keptLook(
  views: ProjectViews,
  { commit, name, madeAtMs }: { commit: string; name: string; madeAtMs: number },
  look: (view: ProjectView, of: Pick<Look, 'rev' | 'name' | 'atMs'>) => Promise<Look>,
): Promise<Look> {
  return look(await views.at(commit), { rev: commit, name, atMs: madeAtMs })
}

const ORDER = ['running', 'success', 'queued', 'failed']

/** Those that run, that are kept, that wait and that failed; the newest of each first. */
function inOrder(experiments: readonly ShownExperiment[]): ShownExperiment[] {
  return experiments.toSorted((one, other) => {
    const rank = ORDER.indexOf(one.state) - ORDER.indexOf(other.state)
    if (rank !== 0) return rank
    const later = (other.look.atMs ?? 0) - (one.look.atMs ?? 0)
    return later === 0 ? (one.look.rev < other.look.rev ? 1 : -1) : later
  })
}

async function pendingOf(queue: ExperimentQueue, how: ShowHow): Promise<Pending[]> {
  const waiting = how.hideQueued === true ? [] : await queue.waiting()
  const tasks = await queue.tasks()
  const failed = tasks.filter(({ status }) => status === 'failed' || status === 'killed')
  const running = tasks.filter(({ status }) => status === 'running')
  return [
    ...running.map((task) => pending(task, 'running')),
    ...waiting.map((task) => pending(task, 'queued')),
    ...(how.hideFailed === true ? [] : failed.map((task) => pending(task, 'failed'))),
  ]
}

interface Pending {
  readonly stash: string
  readonly name: string
  readonly baseline: string
  readonly state: 'queued' | 'running' | 'failed'
}

function pending(
  { stash, name, baseline }: Omit<Pending, 'state'>,
  state: Pending['state'],
): Pending {
  return { stash, name, baseline, state }
}

async function lookAt(
  view: ProjectView,
  of: Pick<Look, 'rev' | 'name' | 'atMs'> & { stagesOnly: boolean },
): Promise<Look> {
  const { stagesOnly, ...named } = of
  try {
    const [params, metrics, loaded] = [
      await paramsIn(view, { stagesOnly }),
      await metricsIn(view),
      await view.load(),
    ]
    return { ...named, params, metrics, ...pathsOf(loaded), error: null }
  } catch (error) {
    // One revision that cannot be read must not hide the others.
    const nothing = { params: new Map(), metrics: new Map(), deps: new Map(), outs: new Map() }
    return { ...named, ...nothing, error: messageOf(error) }
  }
}

function pathsOf({ stages, locks, tracked }: LoadedPipelines): Pick<Look, 'deps' | 'outs'> {
  const deps = new Map<
    string,
    { md5: string | null; sizeBytes: number | null; files: number | null }
  >()
  const outs: [string, ReturnType<Look['outs']['get']> & object][] = []
  for (const stage of stages) {
    const lock = locks.get(stage.address)
    const inLock = (written: string, among: 'deps' | 'outs') =>
      lock?.[among].find(({ path }) => path === written)?.content
    for (const dep of stage.deps)
      if (dep.dataset === undefined) deps.set(dep.path, content(inLock(dep.written, 'deps')))
    for (const out of stage.outs)
      if (out.kind === 'out')
        outs.push([
          out.path,
          { ...content(inLock(out.written, 'outs')), cached: out.cached, tracked: false },
        ])
  }
  for (const out of tracked)
    outs.push([out.path, { ...content(out.content), cached: out.cached, tracked: true }])
  return { deps, outs: new Map(outs) }
}

function content(known: { md5: string; sizeBytes?: number; files?: number } | undefined) {
  return {
    md5: known?.md5 ?? null,
    sizeBytes: known?.sizeBytes ?? null,
    files: known?.files ?? null,
  }
}
