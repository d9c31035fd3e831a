import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { endProcessesWith } from '#executors/process/index'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { RunPipeline, RunRequest, RunTurn } from '#pipelines'
import type { Project, Projects, Snapshot } from '#projects'
import { overridesOf } from '#stages'
import type { RunData } from './run-data.ts'
import { TREE_VARIABLE, type LocalClones } from '../data/clones.ts'
import { cacheFolderOf, useServerCache } from '../data/server-cache.ts'
import { environment, type Config } from '../settings/config.ts'
import { applyOverrides } from '../project/overrides.ts'
import { publishLock } from './lock-branch.ts'
import type { PipelineOrder, PipelineReply } from './pipeline-process.ts'

interface Dependencies {
  readonly config: Config
  readonly clones: LocalClones
  readonly projects: Pick<Projects, 'get'>
  readonly url: () => string
  readonly runData: RunData
  readonly logger: Logger
}

/**
 * Runs pipelines in the server's own clones, each in a process of its own, and offers the new lock to the origin as a
 * branch. The work tree of a request stays until that is over, so that what is begun anew finds finished stages done.
 */
export function pipelineRunner(dependencies: Dependencies): RunPipeline {
  const { config, clones, projects, logger } = dependencies
  const treeOf = ({ id }: RunRequest) => join(config.home, 'runs', id)
  return {
    run: async (turn) => {
      const { request, pipelineRun } = turn
      const project = await projects.get(request.order.project)
      const folder = treeOf(request)
      // A server that was killed may have left the run of this very request.
      endProcessesWith(TREE_VARIABLE, folder)
      const snapshot = await snapshotFor(turn, project, clones)
      await prepareTree(dependencies, { folder, request, project, commit: snapshot.commit })
      try {
        const ended = await runInProcess(orderOf(dependencies, { turn, folder, snapshot }), {
          signal: turn.signal,
          onReply: async (reply) => {
            if (reply.kind === 'progress')
              logger.info({ pipelineRun, text: reply.text }, 'pipeline')
            if (reply.kind === 'needs-approval') await turn.askApproval(reply.need)
            if (reply.kind === 'took')
              await dependencies.runData.note(folder, { request, added: reply.added })
          },
        })
        if (ended.outcome === 'waiting') return { outcome: 'waiting' }
        if (ended.outcome !== 'succeeded')
          return { outcome: 'failed', reason: ended.reason ?? `the pipeline ${ended.outcome}` }
        const { lock = null } = ended
        const lockBranch =
          lock === null
            ? null
            : await publishLock(
                folder,
                { request: { ...request, commit: snapshot.commit }, lock },
                logger,
              )
        return { outcome: 'succeeded', lockBranch }
      } finally {
        endWith(folder)
      }
    },
    clear: async (request) => {
      const folder = treeOf(request)
      endWith(folder)
      if (!existsSync(folder)) return
      const { origin } = await projects.get(request.order.project)
      await clones.dropWorkTree(origin, folder)
    },
  }
}

/** Stages leave processes behind, and so does a pipeline's process that is killed. */
function endWith(folder: string): void {
  endProcessesWith('DVC_ROOT', folder)
  endProcessesWith(TREE_VARIABLE, folder)
}

/** What is run: once it is known, it stays the same however often the run is begun. */
async function snapshotFor(
  { request, noteCommit }: RunTurn,
  project: Project,
  clones: LocalClones,
): Promise<Snapshot> {
  const { rev } = request.order
  if (request.commit !== null)
    return clones.snapshot(project.origin, request.commit, request.branch ?? rev ?? project.branch)
  const snapshot = rev === undefined ? project : await clones.at(project.origin, rev)
  await noteCommit({ commit: snapshot.commit, branch: snapshot.branch })
  return snapshot
}

async function prepareTree(
  { config, clones, runData }: Dependencies,
  tree: { folder: string; request: RunRequest; project: Project; commit: string },
): Promise<void> {
  const { folder, request, project, commit } = tree
  const ready = join(folder, '.dvc', 'tmp', 'orrery-run')
  if (existsSync(ready)) return
  await clones.workTree(project.origin, commit, folder)
  await useServerCache(folder, cacheFolderOf(config, project.name))
  const { overrides = [] } = request.order
  if (overrides.length > 0) await applyOverrides(folder, overridesOf(overrides))
  await runData.place(folder, { request, project, commit })
  await mkdir(dirname(ready), { recursive: true })
  await writeFile(ready, '')
}

function orderOf(
  { config, url }: Dependencies,
  { turn, folder, snapshot }: { turn: RunTurn; folder: string; snapshot: Snapshot },
): PipelineOrder {
  const { order, approvals } = turn.request
  const chosen = (order.data ?? []).map(({ path }) => path)
  return {
    root: folder,
    url: url(),
    pipelineRun: turn.pipelineRun,
    project: order.project,
    commit: snapshot.commit,
    request: turn.request.id,
    overrides: order.overrides ?? [],
    cause: order.cause ?? null,
    pull: snapshot.data.map((data) => data.path).filter((path) => !chosen.includes(path)),
    chosen,
    targets: order.targets ?? [],
    force: order.force ?? false,
    variables: order.variables ?? {},
    approved: approvals.flatMap(({ stage, decision }) =>
      decision?.outcome === 'approved' ? [stage] : [],
    ),
    environments: config.environments,
    stageTimeoutMs: config.stageTimeoutMs,
  }
}

type Ended = Extract<PipelineReply, { kind: 'ended' }>

async function runInProcess(
  order: PipelineOrder,
  { signal, onReply }: { signal: AbortSignal; onReply: (reply: PipelineReply) => Promise<void> },
): Promise<Ended> {
  signal.throwIfAborted()
  const file = join(import.meta.dirname, `pipeline-process${extname(import.meta.filename)}`)
  const child = fork(file, [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...environment, [TREE_VARIABLE]: order.root },
  })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
  })
  const stop = () => {
    if (child.connected) child.disconnect()
  }
  try {
    return await new Promise((resolve, reject) => {
      // What it says is kept in order, and all of it before its end counts.
      let heard: Promise<void> = Promise.resolve()
      child.on('message', (reply: PipelineReply) => {
        heard = heard.then(() => onReply(reply))
        if (reply.kind === 'ended') void heard.then(() => resolve(reply), reject)
        else heard.catch(reject)
      })
      child.once('error', reject)
      child.once('exit', (code, killedBy) => {
        const gone = signal.aborted
          ? new Problem('unavailable', 'the run was stopped')
          : new Error(
              `the pipeline's process ended by ${killedBy ?? `exit code ${code}`}: ${complaints.trim()}`,
            )
        void heard.finally(() => reject(gone)).catch(() => undefined)
      })
      signal.addEventListener('abort', stop, { once: true })
      child.send(order)
    })
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
