import { join } from 'node:path'
import { messageOf } from '#base/problem'
import type { Actor } from '#ledger'
import {
  checkedOrder,
  createRequests,
  type Recordings,
  type Requests,
  type RunOrder,
  type RunRequest,
} from '#pipelines'
import type { Projects } from '#projects'
import { openLogFiles, type LogFiles } from '#stores/logs/index'
import type { Writes } from '#stores/sql/index'
import type { RunData } from './run-data.ts'
import type { LocalClones } from '../data/clones.ts'
import type { Ground } from '../ground.ts'
import type { PipelineLooks } from '#protocols/api/pipelines'
import { pipelineLooks } from './looks.ts'
import { pipelineRunner } from './run-pipeline.ts'

export interface Runs {
  readonly requests: Requests<Writes>
  /** Asks as people mean it: at what the origin has at this moment. Throws `not-found` for a revision that it has not. */
  readonly stageLogs: LogFiles
  readonly pipelineLooks: PipelineLooks
  readonly orderRun: (actor: Actor, order: RunOrder) => Promise<RunRequest>
}

/** Runs of pipelines on this server. */
export function runsOf(
  ground: Ground,
  parts: {
    projects: Projects
    clones: LocalClones
    recordings: Recordings
    runData: RunData
  },
): Runs {
  const { config, store, clock, ids } = ground
  const { projects, clones, recordings } = parts
  const requests = createRequests<Writes>({
    read: store.read.requests,
    transact: store.transact,
    onGrowth: store.onGrowth,
    recordings,
    runPipeline: pipelineRunner({ ...ground, ...parts }),
    runsMax: config.pipelineRunsMax,
    clock,
    ids,
  })
  const stageLogs = openLogFiles(join(config.home, 'stage-logs'))
  sweepDaily(ground, stageLogs)
  return {
    requests,
    stageLogs,
    pipelineLooks: pipelineLooks(parts),
    orderRun: async (actor, order) => {
      const { project, rev } = checkedOrder(order)
      const known = order.id === undefined ? undefined : await store.read.requests.find(order.id)
      // Told again, it is what it was.
      if (known !== undefined) return requests.ask(actor, order)
      if (rev === undefined) {
        await projects.sync(actor, project)
        return requests.ask(actor, order)
      }
      const { commit } = await clones.at((await projects.get(project)).origin, rev)
      return requests.ask(actor, { ...order, commit })
    },
  }
}

const SWEEP_MS = 86_400_000

function sweepDaily({ config, clock, logger, onStop }: Ground, logs: LogFiles): void {
  const sweep = () =>
    void logs.sweep(config.stageLogDays, clock.nowMs()).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'could not remove old logs of stages')
    })
  const timer = setInterval(sweep, SWEEP_MS)
  onStop(() => clearInterval(timer))
  sweep()
}
