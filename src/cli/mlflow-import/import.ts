import type { ExperimentTaken } from '#tracking'
import type { Progress } from '../progress.ts'
import type { MlflowSource, SourceExperiment } from '../mlflow-store/source.ts'
import { chosen, isElsewhere, type Import, type Placed, type Wanted } from './work.ts'
import { importLoggedModels } from './logged-models.ts'
import { importRegistry } from './registry.ts'
import { newReport, type Report } from './report.ts'
import { importRuns } from './runs.ts'
import type { Target } from './target.ts'

/**
 * Takes what an MLflow store keeps into the server: experiments, then their runs with history and files, then
 * logged models, then the registry that points to them. What a run of it has finished is marked, so the next one
 * goes on there, and takes what has changed since.
 */
export async function importStore(
  source: MlflowSource,
  target: Target,
  { wanted, progress, nowMs }: { wanted: Wanted; progress: Progress; nowMs: () => number },
): Promise<Report> {
  const startMs = nowMs()
  const report = newReport(source.name, target.url, wanted.dryRun)
  const work: Import = { source, target, wanted, report, progress, seen: new Set() }
  const experiments = chosen(await source.experiments(), wanted.experiments)
  const size = await source.size(experiments.map(({ id }) => id))
  if (size !== null) progress.expect(size)
  const placed = await placeExperiments(work, experiments)
  for (const experiment of placed) {
    await importLoggedModels(work, experiment)
    await importRuns(work, experiment)
  }
  await importRegistry(work)
  report.skipped.push(...source.skipped)
  report.seconds = (nowMs() - startMs) / 1000
  if (wanted.counting && !wanted.dryRun) report.verified = 'counts'
  return report
}

const PIECE = 100

async function placeExperiments(
  { target, report, wanted }: Import,
  experiments: readonly SourceExperiment[],
): Promise<Placed[]> {
  if (wanted.dryRun) {
    const marks = await marked(target, experiments)
    return experiments.map((experiment) => {
      const ownId = marks.get(experiment.id)
      report.experiments[ownId === undefined ? 'new' : 'same'] += 1
      return { ...experiment, ownId: ownId ?? experiment.id }
    })
  }
  const placed: Placed[] = []
  for (let start = 0; start < experiments.length; start += PIECE) {
    const piece = experiments.slice(start, start + PIECE)
    const taken = await target.experiments(
      piece.map(({ artifactLocation, ...rest }) => ({
        ...rest,
        ...(isElsewhere(artifactLocation) ? { artifactLocation } : {}),
      })),
    )
    piece.forEach((experiment, index) => {
      const one = taken[index] as ExperimentTaken
      report.experiments[one.outcome] += 1
      tellRenamed(report, one)
      placed.push({ ...experiment, ownId: one.experimentId })
    })
  }
  return placed
}

async function marked(target: Target, experiments: readonly SourceExperiment[]) {
  const found = new Map<string, string>()
  for (let start = 0; start < experiments.length; start += PIECE) {
    const ids = experiments.slice(start, start + PIECE).map(({ id }) => id)
    for (const [id, { ownId }] of await target.marks('experiment', ids)) found.set(id, ownId)
  }
  return found
}

function tellRenamed(report: Report, { id, name, experimentId, outcome }: ExperimentTaken): void {
  if (outcome !== 'merged' && outcome !== 'renumbered') return
  const why =
    outcome === 'merged'
      ? 'an experiment of this name was here, and has the runs of both now'
      : 'its number was taken or is too large'
  report.renamed.push({ id: `experiment ${id}`, name, as: experimentId, why })
}
