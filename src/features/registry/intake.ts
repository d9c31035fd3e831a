import type { Readable } from 'node:stream'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import type { Actor, Edge, Fact, LedgerWrites, Transact } from '#ledger'
import {
  pathOfUri,
  runRef,
  treeDigest,
  type ArtifactFile,
  type KeyValue,
  type Tracking,
} from '#tracking'
import type { AliasGuard } from './aliases.ts'
import {
  aliasChange,
  noteChange,
  stageChange,
  tagChange,
  versionBorn,
  type SlotChange,
} from './change.ts'
import { NO_DESCRIPTION, type DescribeModel } from './description.ts'
import { modelVersionRef, type ModelVersion, type RegisteredModel, type Stage } from './model.ts'
import { checkedName } from './names.ts'
import { record, recordWhole } from './record.ts'
import { sourceIn } from './source.ts'
import type { StoredVersion } from './model.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'

/** A version as another registry has it. */
export interface GivenVersion {
  readonly version: number
  readonly source: string
  /** Where its files are here: `runs:/…`, an address of the artifact tree, or one elsewhere. */
  readonly location: string
  readonly runId: string | null
  readonly runLink: string | null
  readonly loggedModelId: string | null
  readonly stage: Stage
  readonly note: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
}

export interface GivenModel {
  readonly name: string
  readonly note: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
  readonly aliases: readonly { readonly alias: string; readonly version: number }[]
  /** The highest number that was ever given, to a version that is gone perhaps. */
  readonly lastVersion: number
  readonly versions: readonly GivenVersion[]
}

export interface ModelTaken {
  readonly name: string
  readonly outcome: 'new' | 'changed' | 'same'
  readonly versions: { readonly new: readonly number[]; readonly changed: readonly number[] }
  /** What was not taken, and why. */
  readonly refused: readonly { readonly what: string; readonly reason: string }[]
}

/** Takes in what another registry kept; numbers and times stay as they are. Giving the same again changes nothing. */
export interface RegistryIntake {
  model(actor: Actor, source: string, given: GivenModel): Promise<ModelTaken>
}

interface Dependencies {
  readonly read: RegistryReads
  readonly transact: Transact<{ registry: RegistryWrites }>
  readonly tracking: Tracking
  readonly describe: DescribeModel
  readonly openObject: (digest: string) => Promise<Readable>
  readonly guard: AliasGuard
}

type Filed = GivenVersion &
  Pick<StoredVersion, 'digest' | 'description'> & { files: ArtifactFile[] }

export function createRegistryIntake(dependencies: Dependencies): RegistryIntake {
  const { read, transact, guard } = dependencies
  return {
    model: async (actor, source, given) => {
      checkedName(given.name)
      if (JSON.stringify(given).includes('\\u0000'))
        throw new Problem('invalid', `the model ${given.name} holds a NUL; mend it there`)
      const versions: Filed[] = []
      for (const version of given.versions) versions.push(await filed(dependencies, version))
      const known = await read.findModel(given.name)
      const barred = await barredAliases(guard, actor, given, known)
      const aliases = given.aliases.filter(({ alias }) => !barred.has(alias))
      const refused = [...barred].map(([alias, reason]) => ({ what: `alias ${alias}`, reason }))
      const taken = await transact((tx) =>
        take(tx, { actor, source, given: { ...given, aliases }, versions }),
      )
      return { ...taken, refused: [...refused, ...taken.refused] }
    },
  }
}

/** A version with the files that its location means here now. */
async function filed(
  { tracking, describe, openObject }: Dependencies,
  given: GivenVersion,
): Promise<Filed> {
  const { location, files } = await filesAt(tracking, given)
  const open = (path: string) => {
    const file = files.find((each) => each.path === path)
    if (file === undefined) throw new Problem('not-found', `the model has no file ${path}`)
    return openObject(file.digest)
  }
  return {
    ...given,
    location,
    files,
    digest: files.length === 0 ? null : treeDigest(files),
    description:
      files.length === 0 ? NO_DESCRIPTION : await describe(files, async (path) => open(path)),
  }
}

async function filesAt(
  tracking: Tracking,
  { location }: GivenVersion,
): Promise<{ location: string; files: ArtifactFile[] }> {
  const own = pathOfUri(location)
  if (own !== undefined) return { location, files: await filesBelow(tracking, own) }
  if (!location.startsWith('runs:')) return { location, files: [] }
  const source = sourceIn(location)
  const run = source.kind === 'run' ? await tracking.findRun(source.runId) : undefined
  const root = run === undefined ? undefined : pathOfUri(run.artifactUri)
  if (source.kind !== 'run' || run === undefined || root === undefined)
    return { location, files: [] }
  const files = await filesBelow(tracking, source.path === '' ? root : `${root}/${source.path}`)
  if (files.length > 0) return { location, files }
  // Newer clients keep a run's models beside its files, under the same name.
  const { modelOutputs } = await tracking.getRun(run.runId)
  for (const { modelId } of modelOutputs.toReversed()) {
    const model = await tracking.loggedModels.get(modelId, { deleted: 'allow' }).catch(() => null)
    const path = model?.name === source.path ? pathOfUri(model.artifactUri) : undefined
    if (model !== null && path !== undefined)
      return { location: model.artifactUri, files: await filesBelow(tracking, path) }
  }
  return { location, files: [] }
}

async function filesBelow(tracking: Tracking, path: string): Promise<ArtifactFile[]> {
  try {
    return await tracking.artifacts.files(path)
  } catch (error) {
    // An odd address of long ago has no files here; the version is kept all the same.
    if (error instanceof Problem) return []
    throw error
  }
}

/** Aliases that may not be moved by hand here, with what to do instead. */
async function barredAliases(
  guard: AliasGuard,
  actor: Actor,
  given: GivenModel,
  known: RegisteredModel | undefined,
): Promise<Map<string, string>> {
  const barred = new Map<string, string>()
  for (const { alias, version } of given.aliases) {
    if (known?.aliases.some((own) => own.alias === alias && own.version === version)) continue
    await guard.check(given.name, alias, actor).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
      barred.set(alias, messageOf(error))
    })
  }
  return barred
}

interface Tx {
  readonly registry: RegistryWrites
  readonly ledger: LedgerWrites
}

interface Work {
  readonly actor: Actor
  readonly source: string
  readonly given: GivenModel
  readonly versions: readonly Filed[]
}

async function take(tx: Tx, work: Work): Promise<ModelTaken> {
  const { registry } = tx
  const { given, versions } = work
  const { name } = given
  const kept = await registry.findModel(name)
  if (kept === undefined) {
    const { note, createdMs, updatedMs } = given
    await registry.insertModel({ name, note, createdMs, updatedMs })
    await registry.setModelTags(name, given.tags)
  }
  const changes: SlotChange[] = kept === undefined ? [] : await modelChanges(registry, kept, given)
  const taken = { new: [] as number[], changed: [] as number[] }
  const refused: { what: string; reason: string }[] = []
  for (const version of versions) {
    const own = await registry.findVersion(name, version.version)
    if (own !== undefined && !isSameVersion(own, version)) {
      refused.push({
        what: `version ${version.version}`,
        reason: `version ${version.version} of ${name} is another one here; rename the model on one side`,
      })
      continue
    }
    const more = await takeVersion(registry, name, version, own)
    changes.push(...more)
    if (own === undefined) taken.new.push(version.version)
    else if (more.length > 0) taken.changed.push(version.version)
  }
  await registry.raiseLastVersion(name, given.lastVersion)
  changes.push(...(await moveAliases(registry, kept, given, refused)))
  const fact = imported(work, taken)
  if (kept === undefined) await recordWhole(tx, work.actor, name, fact)
  else if (changes.length > 0) {
    await record(tx, work.actor, name, { fact, changes })
    await registry.saveModel({
      ...kept,
      note: given.note || kept.note,
      updatedMs: Math.max(kept.updatedMs, given.updatedMs),
    })
  }
  const outcome = kept === undefined ? 'new' : changes.length > 0 ? 'changed' : 'same'
  return { name, outcome, versions: taken, refused }
}

async function modelChanges(
  registry: RegistryWrites,
  kept: RegisteredModel,
  given: GivenModel,
): Promise<SlotChange[]> {
  const tags = differing(kept.tags, given.tags)
  await registry.setModelTags(kept.name, tags)
  const noted = given.note !== '' && given.note !== kept.note
  return [
    ...(noted ? [noteChange(null, kept.note, given.note)] : []),
    ...tags.map((tag) => tagSet(null, kept.tags, tag)),
  ]
}

/** Makes the version, or brings the one that is here up to date; gives what changed. */
async function takeVersion(
  registry: RegistryWrites,
  model: string,
  { files, tags, ...given }: Filed,
  own: ModelVersion | undefined,
): Promise<SlotChange[]> {
  const version: StoredVersion = { model, ...given }
  // Its files came later than itself: it is made anew, with all that points to it.
  const isFilled = own !== undefined && own.digest === null && version.digest !== null
  if (own === undefined || isFilled) {
    if (isFilled) await registry.deleteVersion(model, own.version)
    await registry.insertVersion(version, files)
    await registry.setVersionTags(
      model,
      version.version,
      [...(own?.tags ?? []), ...tags].filter(last),
    )
    for (const alias of own?.aliases ?? []) await registry.setAlias(model, alias, version.version)
    const staged =
      version.stage === 'none' || own !== undefined
        ? []
        : [stageChange(version.version, 'none', version.stage)]
    return [...versionBorn(version, tags), ...staged]
  }
  const changed = differing(own.tags, tags)
  const renoted = version.note !== own.note
  const restaged = version.stage !== own.stage
  if (renoted || restaged || version.updatedMs > own.updatedMs) await registry.saveVersion(version)
  await registry.setVersionTags(model, version.version, changed)
  return [
    ...(renoted ? [noteChange(version.version, own.note, version.note)] : []),
    ...(restaged ? [stageChange(version.version, own.stage, version.stage)] : []),
    ...changed.map((tag) => tagSet(version.version, own.tags, tag)),
  ]
}

/** Of pairs with one key, the last. */
function last({ key }: KeyValue, index: number, all: readonly KeyValue[]): boolean {
  return all.findLastIndex((each) => each.key === key) === index
}

async function moveAliases(
  registry: RegistryWrites,
  kept: RegisteredModel | undefined,
  given: GivenModel,
  refused: { what: string; reason: string }[],
): Promise<SlotChange[]> {
  const changes: SlotChange[] = []
  for (const { alias, version } of given.aliases) {
    const from = kept?.aliases.find((own) => own.alias === alias)?.version ?? null
    if (from === version) continue
    if ((await registry.findVersion(given.name, version)) === undefined) {
      refused.push({ what: `alias ${alias}`, reason: `there is no version ${version} of it` })
      continue
    }
    await registry.setAlias(given.name, alias, version)
    changes.push(aliasChange(alias, from, version))
  }
  return changes
}

function isSameVersion(own: ModelVersion, given: GivenVersion): boolean {
  return own.createdMs === given.createdMs && own.source === given.source
}

function differing(own: readonly KeyValue[], given: readonly KeyValue[]): KeyValue[] {
  return given.filter(
    ({ key, value }) => !own.some((pair) => pair.key === key && pair.value === value),
  )
}

function tagSet(version: number | null, own: readonly KeyValue[], { key, value }: KeyValue) {
  const before = own.find((tag) => tag.key === key)?.value ?? null
  return tagChange(version, key, { before, after: value })
}

function imported(
  { source, given, versions }: Work,
  taken: { new: readonly number[]; changed: readonly number[] },
): Fact {
  const edges: Edge[] = versions
    .filter(({ version, runId }) => runId !== null && runId !== '' && taken.new.includes(version))
    .map(({ version, runId }) => ({
      from: modelVersionRef({ model: given.name, version }),
      relation: 'logged-by',
      to: runRef(runId ?? ''),
    }))
  return {
    type: 'mlflow-imported',
    data: {
      source,
      model: given.name,
      versions: { new: [...taken.new], changed: [...taken.changed] },
      digest: sha256(canonicalJson(given)),
    },
    edges,
  }
}
