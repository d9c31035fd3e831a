import type { LedgerReads } from '#ledger'
import type { PipelineReads } from '#pipelines'
import { datasetVersionRef } from '#projects'

interface CandidateReads {
  readonly ledger: LedgerReads
  readonly pipelines: PipelineReads
}

/**
 * The newest version of `model` that a pipeline run logged, by the ledger's edges. A stage may not have run this time,
 * because an attempt that was cut short had run it already: then it is the version of whoever made what it gave.
 */
export async function versionMadeBy(
  read: CandidateReads,
  pipelineRun: string,
  model: string,
): Promise<number | undefined> {
  const runs = await makersOf(read, pipelineRun)
  const versions = await Promise.all([...runs].map((run) => versionsLoggedBy(read, run, model)))
  const all = versions.flat()
  return all.length === 0 ? undefined : Math.max(...all)
}

async function makersOf({ pipelines, ledger }: CandidateReads, id: string): Promise<Set<string>> {
  const run = await pipelines.find(id)
  const attempts =
    run?.cause === undefined || run.cause === null ? [] : await pipelines.ofCause(run.cause)
  const stages = await Promise.all(
    [id, ...attempts.map((each) => each.id)].map((each) => pipelines.stages(each)),
  )
  const makers = new Set(stages.flat().flatMap((stage) => (stage.run === null ? [] : [stage.run])))
  const skipped = (stages[0] ?? []).filter((stage) => stage.run === null)
  for (const { path, md5 } of skipped.flatMap((stage) => stage.outs))
    for (const { relation, to } of await ledger.edgesFrom(
      datasetVersionRef({ project: run?.project ?? '', path, md5 }),
    ))
      if (relation === 'made-by') makers.add(to.id)
  return makers
}

async function versionsLoggedBy(
  { ledger }: CandidateReads,
  run: string,
  model: string,
): Promise<number[]> {
  const edges = await ledger.edgesTo({ kind: 'run', id: run })
  return edges.flatMap(({ from }) => {
    const at = from.id.lastIndexOf('/')
    return from.kind === 'model-version' && from.id.slice(0, at) === model
      ? [Number(from.id.slice(at + 1))]
      : []
  })
}
