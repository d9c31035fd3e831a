import type { Step } from '../graph/graph.ts'
import type { LoadedPipelines, PipelineFiles } from '../store.ts'

/** These files, with new entries of the lock in the order of the steps, whichever stage ends first. */
export function inLockOrder(
  files: PipelineFiles,
  order: readonly Step[],
  { locks }: LoadedPipelines,
): PipelineFiles {
  const ranks = new Map(
    order.flatMap((step, rank) =>
      step.kind === 'stage' && !locks.has(step.name)
        ? [[`${step.stage.file}\0${step.stage.name}`, rank] as const]
        : [],
    ),
  )
  return {
    ...files,
    saveLock: (stage, lock) => {
      const rankOf = (name: string) => ranks.get(`${stage.file}\0${name}`)
      const own = rankOf(stage.name) ?? Infinity
      return files.saveLock(stage, lock, (name) => (rankOf(name) ?? -1) > own)
    },
  }
}
