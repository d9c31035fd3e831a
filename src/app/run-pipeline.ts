import { fork } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import type { Acts } from '#automation'
import { endProcessesWith } from '#executors/process/index'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { platformActor } from '#ledger'
import type { Recordings } from '#pipelines'
import type { Project } from '#projects'
import type { LocalClones } from './clones.ts'
import type { Config } from './config.ts'
import { git } from './git.ts'
import type { PipelineOrder, PipelineReply } from './pipeline-process.ts'

/** Folder of the server's own data cache for a project. */
export function cacheFolderOf(config: Config, project: string): string {
  return join(config.home, 'data', project)
}

/**
 * Gives what runs a project's pipeline in the server's own clone, at its newest commit, in a process of its
 * own; the new lock goes to the branch `orrery/<policy run>` of the origin.
 */
export function pipelineRunner(dependencies: {
  config: Config
  clones: LocalClones
  recordings: Recordings
  url: () => string
  logger: Logger
}): Acts['runPipeline'] {
  const { config, clones, recordings, url, logger } = dependencies
  return async ({ policyRun, project, stage, signal }) => {
    const actor = platformActor(`policy-run:${policyRun}`)
    // What an earlier attempt left open belonged to a server that is gone.
    await recordings.closeOpen(actor, policyRun, 'the server was stopped while it ran')
    const attempts = (await recordings.ofCause(policyRun)).length
    const pipelineRun = `${policyRun}.${attempts + 1}`
    const folder = join(config.home, 'runs', pipelineRun)
    await clones.workTree(project.origin, project.commit, folder)
    try {
      await useServerCache(folder, cacheFolderOf(config, project.name))
      const ended = await runInProcess(
        {
          root: folder,
          url: url(),
          pipelineRun,
          cause: policyRun,
          pull: project.data.map((data) => data.path),
          environments: config.environments,
          stageTimeoutMs: config.stageTimeoutMs,
        },
        { signal, onProgress: (text) => logger.info({ pipelineRun, text }, 'pipeline') },
      )
      if (ended.outcome !== 'succeeded')
        throw new Problem('conflict', ended.reason ?? `the pipeline of ${stage} ${ended.outcome}`)
      await publishLock(folder, project, pipelineRun, logger)
      return { pipelineRun }
    } catch (error) {
      // When the server stops, its next start goes on with it and closes what is open.
      if (!signal.aborted) await recordings.closeOpen(actor, policyRun, messageOf(error))
      throw error
    } finally {
      // Stages leave processes behind, and so does a pipeline's process that is killed: their folder goes now.
      endProcessesWith('DVC_ROOT', folder)
      await clones.dropWorkTree(project.origin, folder)
    }
  }
}

/** Points the work tree at the cache that all of the server's runs of the project share. */
export async function useServerCache(folder: string, cache: string): Promise<void> {
  const local = join(folder, '.dvc', 'config.local')
  await mkdir(dirname(local), { recursive: true })
  await writeFile(local, `[cache]\n    dir = ${cache}\n`)
}

async function runInProcess(
  order: PipelineOrder,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (text: string) => void },
): Promise<Extract<PipelineReply, { kind: 'ended' }>> {
  const file = join(import.meta.dirname, `pipeline-process${extname(import.meta.filename)}`)
  const child = fork(file, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
  })
  const stop = () => child.disconnect()
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (reply: PipelineReply) => {
        if (reply.kind === 'progress') onProgress(reply.text)
        else resolve(reply)
      })
      child.once('error', reject)
      child.once('exit', (code, killedBy) =>
        reject(
          signal.aborted
            ? new Problem('unavailable', 'the server is stopping')
            : new Error(
                `the pipeline's process ended by ${killedBy ?? `exit code ${code}`}: ${complaints.trim()}`,
              ),
        ),
      )
      signal.addEventListener('abort', stop, { once: true })
      child.send(order)
    })
  } finally {
    signal.removeEventListener('abort', stop)
    if (child.connected) child.disconnect()
  }
}

/** Commits what the run changed in the project's files and offers it to the origin as a branch; nobody's work is touched. */
async function publishLock(
  folder: string,
  project: Project,
  pipelineRun: string,
  logger: Logger,
): Promise<void> {
  const branch = `orrery/${pipelineRun}`
  await git(folder, ['add', '--update'])
  if ((await git(folder, ['diff', '--cached', '--name-only'])).trim() === '') return
  await git(folder, ['commit', '--quiet', '--message', `Lock of pipeline run ${pipelineRun}`])
  try {
    await git(folder, ['push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`])
  } catch (error) {
    // The model is made and recorded; a read-only origin only lacks the convenience of the branch.
    logger.warn(
      { project: project.name, branch, error: messageOf(error) },
      'could not push the new lock',
    )
  }
}
