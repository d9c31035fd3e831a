import { Problem } from '#base/problem'
import type { KeepHow, Workspace } from '#data'
import { finishStage } from './running/finish.ts'
import type { StageGround } from './running/repro-run.ts'
import type { Stage, StageLock } from './stage.ts'
import { inWords, reasons, type Look } from './staleness.ts'

export interface CommitStagesHow extends KeepHow {
  /** Whether what changed since the stage ran may be recorded as if it had run on it. */
  readonly agreed: (stage: string, changed: readonly string[]) => Promise<boolean>
}

/** Records what stages read and wrote as it is now, without running them. */
export async function commitStages(
  ground: StageGround & { readonly look: Look },
  stages: readonly { readonly stage: Stage; readonly lock: StageLock | undefined }[],
  how: CommitStagesHow,
): Promise<StageLock[]> {
  const done: StageLock[] = []
  for (const { stage, lock } of stages) {
    const changed: string[] = []
    for await (const reason of reasons(stage, lock, ground.look)) {
      // What is only lacking in the cache is put there, which changes nothing.
      const isNoChange =
        reason.kind === 'always' || (reason.kind === 'out' && reason.change === 'not in cache')
      if (!isNoChange) changed.push(inWords(reason))
    }
    if (changed.length > 0 && !(await how.agreed(stage.address, changed)))
      throw new Problem(
        'conflict',
        `${stage.address} is not as it ran (${changed.join(', ')}); run it with \`orrery repro\`, or use --force to record it as it is`,
      )
    done.push(
      await finishStage({ ...ground, workspace: keeping(ground.workspace, how) }, stage, lock),
    )
  }
  return done
}

function keeping(workspace: Workspace, how: KeepHow): Workspace {
  return { ...workspace, keep: (path, measured) => workspace.keep(path, measured, how) }
}
