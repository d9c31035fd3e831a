import { Problem } from '#base/problem'
import {
  pathOfUri,
  type ArtifactFile,
  type ArtifactFolder,
  type KeyValue,
  type Tracking,
} from '#tracking'
import { isPrompt, type ModelVersion } from './model.ts'
import { isWithin, sourceIn, type Source } from './source.ts'
import type { RegistryReads } from './store.ts'

export interface NewVersion {
  readonly model: string
  /** `models:/m-…`, `models:/name/3`, `runs:/…/path`, a path of the artifact tree, or an address elsewhere. */
  readonly source: string
  readonly runId?: string
  readonly loggedModelId?: string
  readonly runLink?: string
  readonly note?: string
  readonly tags?: readonly KeyValue[]
}

/** Where a version's bytes are and what made them. */
export interface Origin {
  readonly source: string
  readonly location: string
  readonly runId: string | null
  readonly loggedModelId: string | null
  /** With paths that start at the model's folder; none when they are kept elsewhere. */
  readonly files: readonly ArtifactFile[]
  /** Whether they were put just now: then no row refers to them yet, and a collector spares them for their youth. */
  readonly fresh?: boolean
  /** Why there are none, where there should be. */
  readonly problems: readonly string[]
}

interface World {
  readonly read: RegistryReads
  readonly tracking: Tracking
  readonly resolve: (uri: string) => Promise<ModelVersion>
}

/** Finds what a version is to be made from. Throws `invalid` when that is not what it is said to be. */
export async function originOf(world: World, given: NewVersion): Promise<Origin> {
  const source = sourceIn(given.source)
  if (source.kind === 'logged-model') return loggedModelOrigin(world, given, source.modelId)
  if (source.kind === 'version') return versionOrigin(world, given, source.uri)
  if (source.kind === 'run') return runOrigin(world, given, source)
  if (source.kind === 'artifacts') return artifactOrigin(world, given, source.path)
  return outsideOrigin(world, given, source)
}

/** The text of a prompt is in its tags; its source means nothing. */
export function promptOrigin(given: NewVersion): Origin {
  return {
    source: given.source,
    location: given.source,
    runId: given.runId ?? null,
    loggedModelId: null,
    files: [],
    problems: [],
  }
}

async function loggedModelOrigin(
  { tracking }: Pick<World, 'tracking'>,
  given: NewVersion,
  modelId: string,
): Promise<Origin> {
  if (given.loggedModelId !== undefined && given.loggedModelId !== modelId)
    throw refused(given.source, `it is not the logged model ${given.loggedModelId} named with it`)
  const model = await tracking.loggedModels.get(modelId)
  const taken = await takenFrom(tracking.artifacts.folderAt(model.artifactUri), '')
  return {
    source: given.source,
    location: model.artifactUri,
    runId: given.runId ?? model.sourceRunId,
    loggedModelId: modelId,
    ...taken,
  }
}

/** A copy of a version: the same bytes under another name. */
async function versionOrigin(
  { resolve, read }: World,
  given: NewVersion,
  uri: string,
): Promise<Origin> {
  const copied = await resolve(uri)
  if (differs(given.runId, copied.runId) || differs(given.loggedModelId, copied.loggedModelId))
    throw refused(given.source, 'that version comes from another run or logged model')
  if (isPrompt(copied.tags)) throw refused(given.source, 'it is a prompt, not a model')
  return {
    source: `models:/${copied.model}/${copied.version}`,
    location: copied.location,
    runId: copied.runId,
    loggedModelId: copied.loggedModelId,
    files: await read.files(copied.model, copied.version),
    problems: [],
  }
}

async function runOrigin(
  { tracking }: World,
  given: NewVersion,
  { runId, path }: Extract<Source, { kind: 'run' }>,
): Promise<Origin> {
  if (given.runId !== undefined && given.runId !== runId)
    throw refused(given.source, `it is not of the run ${given.runId} named with it`)
  const run = await tracking.getRun(runId)
  const taken = await takenFrom(tracking.artifacts.folderAt(run.artifactUri), path)
  const origin = { source: given.source, location: given.source, runId, loggedModelId: null }
  if (taken.files.length > 0) return { ...origin, ...taken }
  // Newer clients keep a run's models beside its files, under the same name.
  for (const { modelId } of run.modelOutputs.toReversed()) {
    const model = await tracking.loggedModels.get(modelId, { deleted: 'allow' })
    if (model.name === path && model.lifecycle === 'active')
      return loggedModelOrigin({ tracking }, given, modelId)
  }
  return { ...origin, ...taken }
}

async function artifactOrigin(
  { tracking }: World,
  given: NewVersion,
  path: string,
): Promise<Origin> {
  const root =
    given.loggedModelId !== undefined
      ? await tracking.artifacts.rootOf({ model: given.loggedModelId })
      : given.runId !== undefined
        ? await tracking.artifacts.rootOf({ run: given.runId })
        : undefined
  if (root === undefined || !isWithin(path, root))
    throw refused(given.source, 'name the run or logged model whose files hold it')
  return {
    source: given.source,
    location: given.source,
    runId: given.runId ?? null,
    loggedModelId: given.loggedModelId ?? null,
    files: await tracking.artifacts.files(path),
    problems: [],
  }
}

async function outsideOrigin(
  { tracking }: World,
  given: NewVersion,
  source: Source,
): Promise<Origin> {
  if (source.kind === 'disk') {
    const uri =
      given.loggedModelId !== undefined
        ? (await tracking.loggedModels.get(given.loggedModelId)).artifactUri
        : given.runId !== undefined
          ? (await tracking.getRun(given.runId)).artifactUri
          : ''
    const root = uri === '' ? undefined : sourceIn(uri)
    if (root?.kind !== 'disk' || !isWithin(source.path, root.path))
      throw refused(
        given.source,
        'a local path has to lie in the artifact folder of the run or logged model named with it',
      )
  }
  return {
    source: given.source,
    location: given.source,
    runId: given.runId ?? null,
    loggedModelId: given.loggedModelId ?? null,
    ...(await takenFrom(tracking.artifacts.folderAt(given.source), '')),
  }
}

/**
 * The files of a model. Those that clients keep outside are copied, so that the version stays what it is; an address
 * there may be that of a whole bucket, so only what looks like a model is. One that cannot be read is registered
 * without files, as a place that other clients may reach.
 */
async function takenFrom(
  folder: ArtifactFolder,
  path: string,
): Promise<Pick<Origin, 'files' | 'fresh' | 'problems'>> {
  if (pathOfUri(folder.uri) !== undefined) return { files: await folder.files(path), problems: [] }
  try {
    await folder.find(path === '' ? 'MLmodel' : `${path}/MLmodel`)
    return { files: await folder.files(path), fresh: true, problems: [] }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const at = path === '' ? folder.uri : `${folder.uri}/${path}`
    return { files: [], problems: [`no model was taken from ${at}: ${error.message}`] }
  }
}

function differs(mine: string | undefined, its: string | null): boolean {
  return mine !== undefined && mine !== its
}

function refused(source: string, why: string): Problem {
  return new Problem('invalid', `Invalid model version source: '${source}': ${why}`)
}
