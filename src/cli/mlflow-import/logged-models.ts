import { fingerprint, type SourceLoggedModel } from '../mlflow-store/source.ts'
import { copyFiles } from './files.ts'
import { isElsewhere, type Import, type Placed } from './work.ts'

/** Logged models of an experiment with their files. */
export async function importLoggedModels(work: Import, experiment: Placed): Promise<void> {
  const { source, target, report, progress, wanted } = work
  for await (const page of source.loggedModels(experiment.id)) {
    const recent = page.filter(
      ({ updatedMs }) => wanted.sinceMs === null || updatedMs >= wanted.sinceMs,
    )
    const marks = await target.marks(
      'logged-model',
      recent.map(({ modelId }) => modelId),
    )
    const printed = recent.map((model) => ({ model, digest: fingerprint(model) }))
    const changed = printed.filter(
      ({ model, digest }) => marks.get(model.modelId)?.digest !== digest,
    )
    report.loggedModels.same += recent.length - changed.length
    if (wanted.dryRun)
      for (const { model } of changed)
        report.loggedModels[marks.has(model.modelId) ? 'changed' : 'new'] += 1
    else if (changed.length > 0) await takeModels(work, experiment, changed)
    progress.add(page.length)
  }
}

async function takeModels(
  work: Import,
  experiment: Placed,
  changed: readonly { model: SourceLoggedModel; digest: string }[],
): Promise<void> {
  const { target, report } = work
  const given = changed.map(({ model: { artifactUri, ...rest } }) => ({
    ...rest,
    experimentId: experiment.ownId,
    ...(isElsewhere(artifactUri) ? { artifactUri } : {}),
  }))
  const outcomes = await target.loggedModels(given)
  const marks = []
  for (const [index, { model, digest }] of changed.entries()) {
    const outcome = outcomes[index] ?? 'same'
    report.loggedModels[outcome] += 1
    const owner = { experimentId: experiment.id, kind: 'model', id: model.modelId } as const
    const folder = `${experiment.ownId}/models/${model.modelId}/artifacts`
    const whole = await copyFiles(work, owner, {
      uri: model.artifactUri,
      folder,
      isNew: outcome === 'new',
    })
    if (whole)
      marks.push({ kind: 'logged-model', id: model.modelId, ownId: model.modelId, digest } as const)
  }
  await target.mark(marks)
}
