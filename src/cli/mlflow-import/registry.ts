import { Problem } from '#base/problem'
import type { GivenModel, GivenVersion } from '#registry'
import { joinUri } from '#tracking'
import { mlflowCall } from '../client.ts'
import { fingerprint } from '../mlflow-store/source.ts'
import { isElsewhere, type Import } from './work.ts'

/** Versions of one request. */
const PIECE = 100

/** Registered models and prompts, after the runs and logged models that their versions come from. */
export async function importRegistry(work: Import): Promise<void> {
  const { source, target, report, wanted } = work
  for await (const model of source.registeredModels()) {
    if (!isWanted(work, model)) continue
    const digest = fingerprint(model)
    const mark = (await target.marks('registered-model', [model.name])).get(model.name)
    if (mark?.digest === digest) report.registeredModels.same += 1
    else if (wanted.dryRun) {
      report.registeredModels[mark === undefined ? 'new' : 'changed'] += 1
      if (mark === undefined) report.versions.new += model.versions.length
    } else await takeModel(work, model, digest)
  }
}

/** When only some runs are wanted, only the models that come from them. */
function isWanted({ wanted, seen }: Import, { versions }: GivenModel): boolean {
  if (wanted.experiments.length === 0 && wanted.sinceMs === null) return true
  return versions.some(({ runId }) => runId !== null && seen.has(runId))
}

async function takeModel(work: Import, model: GivenModel, digest: string): Promise<void> {
  const { target, report } = work
  const versions: GivenVersion[] = []
  for (const version of model.versions) versions.push(await placed(work, version))
  let outcome: 'new' | 'changed' | 'same' = 'same'
  let isWhole = true
  try {
    for (let start = 0; start === 0 || start < versions.length; start += PIECE) {
      const piece = versions.slice(start, start + PIECE)
      // An alias comes with its version, so that it never points to none.
      const aliases = model.aliases.filter(({ version }) =>
        piece.some((each) => each.version === version),
      )
      const taken = await target.model({ ...model, aliases, versions: piece })
      if (outcome !== 'new' && taken.outcome !== 'same') outcome = taken.outcome
      report.versions.new += taken.versions.new.length
      report.versions.changed += taken.versions.changed.length
      for (const { what, reason } of taken.refused)
        report.skipped.push({ what: `${what} of`, id: model.name, reason })
      isWhole &&= taken.refused.length === 0
    }
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'unavailable') throw error
    report.skipped.push({ what: 'registered model', id: model.name, reason: error.message })
    return
  }
  report.registeredModels[outcome] += 1
  const { name } = model
  if (isWhole) await target.mark([{ kind: 'registered-model', id: name, ownId: name, digest }])
}

/** The version with the place that its files have here. */
async function placed(work: Import, version: GivenVersion): Promise<GivenVersion> {
  const { location } = version
  if (location.startsWith('runs:') || isElsewhere(location)) return version
  const [, modelId, below = ''] = /\/models\/(m-[^/]+)\/artifacts(\/.*)?$/.exec(location) ?? []
  if (modelId !== undefined) return withHome(work, version, { model: modelId, below })
  if (version.loggedModelId !== null && location.startsWith('models:'))
    return withHome(work, version, { model: version.loggedModelId, below: '' })
  const [, runId, path = ''] = /\/([0-9a-f]{32})\/artifacts(\/.*)?$/.exec(location) ?? []
  return runId === undefined ? version : withHome(work, version, { run: runId, below: path })
}

async function withHome(
  { target }: Import,
  version: GivenVersion,
  owner: { below: string } & ({ run: string } | { model: string }),
): Promise<GivenVersion> {
  const home = await homeOf(target.url, owner).catch((error: unknown) => {
    if (error instanceof Problem && error.code !== 'unavailable') return undefined
    throw error
  })
  if (home === undefined) return version
  const below = owner.below.replace(/^\/+/, '')
  return { ...version, location: below === '' ? home : joinUri(home, below) }
}

async function homeOf(url: string, owner: { run: string } | { model: string }): Promise<string> {
  if ('run' in owner) {
    const { run } = await mlflowCall<{ run: { info: { artifact_uri: string } } }>(
      url,
      `runs/get?run_id=${owner.run}`,
    )
    return run.info.artifact_uri
  }
  const { model } = await mlflowCall<{ model: { info: { artifact_uri: string } } }>(
    url,
    `logged-models/${encodeURIComponent(owner.model)}?allow_deleted=true`,
  )
  return model.info.artifact_uri
}
