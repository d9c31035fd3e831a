import type { DataFile } from '#drift'
import type { TrainingData } from '#monitoring'
import type { PipelineReads } from '#pipelines'
import type { Registry } from '#registry'
import type { DatasetFiles } from '../data/dataset-files.ts'

/** Formats that rows can be read from; a stage's other inputs are its code and settings. */
const ROWS = /\.(parquet|csv|json|jsonl|ndjson)$/i

/** Whether a file's name says that rows can be read from it. */
export function isRows(name: string): boolean {
  return ROWS.test(name)
}

/** Follows the edges that pipelines wrote: model version → run → its stage's inputs → their bytes. */
export function trainingData({
  registry,
  pipelines,
  datasets,
}: {
  registry: Registry
  pipelines: PipelineReads
  datasets: DatasetFiles
}): TrainingData {
  return {
    find: async (model, version) => {
      if (!Number.isInteger(version) || (await registry.models.find(model)) === undefined)
        return {
          state: 'unknown',
          reason:
            'the model that answered is not registered here, so its training data is not on record; register it, or name what to compare with as the reference of the monitor',
        }
      const { runId, description } = await registry.versions.get(model, version)
      const stage = runId === null ? undefined : await pipelines.stageOf(runId)
      if (stage === undefined)
        return {
          state: 'unknown',
          reason: `${model}:${version} was not made by a stage of a pipeline, so its training data is not on record`,
        }
      const { project } = (await pipelines.find(stage.pipelineRun)) ?? {}
      const files: DataFile[] = []
      for (const dep of stage.deps) {
        if (project === undefined || !(dep.md5.endsWith('.dir') || isRows(dep.path))) continue
        const found = await datasets.files(project, dep.path, dep.md5)
        // A folder of code, or of settings, has no rows; nobody has to push it.
        if (
          found === null &&
          dep.md5.endsWith('.dir') &&
          (await datasets.isInGit(project, dep.path))
        )
          continue
        if (found === null)
          return {
            state: 'unknown',
            reason: `${dep.path}@${dep.md5} is not on the project's remote; run "orrery push" where it was made`,
          }
        files.push(...found.filter((file) => isRows(file.name)))
      }
      if (files.length === 0)
        return {
          state: 'unknown',
          reason: `the stage ${stage.stage} that made ${model}:${version} read no Parquet, CSV or JSON`,
        }
      const inputs = (description.signature?.inputs ?? []).map((column) => column.name)
      return { state: 'known', files, inputs }
    },
  }
}
