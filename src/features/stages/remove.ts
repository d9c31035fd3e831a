import { Problem } from '#base/problem'
import { letGo, type WorkTree, type Workspace } from '#data'
import type { Stage } from './stage.ts'

/** Where stages are taken out of their files. */
export interface StageFiles {
  /** Whether the file says so itself, and not a template of it. */
  isWritten(stage: Stage): boolean
  /** Takes a stage out of its `dvc.yaml` and `dvc.lock`; files that say nothing without it go. */
  remove(stage: Stage): Promise<void>
}

export interface RemovedStage {
  readonly stage: string
  readonly file: string
  readonly outs: readonly string[]
  readonly data: boolean
}

/** Takes stages out of the project's files. What they wrote stays, unless `withData`. */
export async function removeStages(
  ground: { workspace: Workspace; tree: WorkTree; stageFiles: StageFiles },
  stages: readonly Stage[],
  how: { withData: boolean },
): Promise<RemovedStage[]> {
  const made = stages.find((stage) => !ground.stageFiles.isWritten(stage))
  if (made !== undefined)
    throw new Problem(
      'conflict',
      `${made.address} is made by foreach or matrix; take the item out of ${made.file} instead`,
    )
  const removed: RemovedStage[] = []
  for (const stage of stages) {
    for (const { path, cached } of stage.outs) await letGo(ground, { path, cached }, how)
    await ground.stageFiles.remove(stage)
    const outs = stage.outs.map(({ path }) => path)
    removed.push({ stage: stage.address, file: stage.file, outs, data: how.withData })
  }
  return removed
}
