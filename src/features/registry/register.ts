import type { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import {
  MODEL_VERSIONS_TAG,
  treeDigest,
  type ArtifactFile,
  type Tracking,
  type TrackingWrites,
} from '#tracking'
import { versionBorn, type Author } from './change.ts'
import type { DescribeModel } from './description.ts'
import { NO_DESCRIPTION } from './description.ts'
import * as facts from './facts.ts'
import { isPrompt, modelNotFound, type ModelVersion } from './model.ts'
import { modelOf } from './models.ts'
import { checkedTags } from './names.ts'
import { originOf, promptOrigin, type NewVersion, type Origin } from './origin.ts'
import { record } from './record.ts'
import type { StoredVersion } from './model.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'

interface Dependencies {
  readonly read: RegistryReads
  readonly transact: Transact<{ registry: RegistryWrites; tracking: TrackingWrites }>
  readonly tracking: Tracking
  readonly describe: DescribeModel
  readonly openObject: (digest: string) => Promise<Readable>
  readonly resolve: (uri: string) => Promise<ModelVersion>
  readonly clock: Clock
}

/**
 * Gives the function that registers versions: it takes the model's files as they are now, so that nothing
 * done to them later changes the version.
 */
export function createRegistration(
  dependencies: Dependencies,
): (by: Author, given: NewVersion) => Promise<ModelVersion> {
  const { read, transact, describe, openObject, clock } = dependencies

  const described = async ({ files, problems }: Origin) => {
    if (files.length === 0) return { ...NO_DESCRIPTION, problems }
    return describe(files, async (path) => {
      const file = files.find((each) => each.path === path)
      if (file === undefined) throw new Problem('not-found', `the model has no file ${path}`)
      return openObject(file.digest)
    })
  }

  return async (by, given) => {
    const tags = checkedTags(given.tags ?? [])
    const model = await modelOf(read, given.model)
    const origin = isPrompt([...model.tags, ...tags])
      ? promptOrigin(given)
      : await originOf(dependencies, given)
    const description = await described(origin)
    const nowMs = clock.nowMs()
    return transact(async ({ registry, tracking, ledger }) => {
      const kept = await registry.findModel(given.model)
      if (kept === undefined) throw modelNotFound(given.model)
      const version: StoredVersion = {
        model: given.model,
        version: await registry.nextVersion(given.model),
        source: origin.source,
        location: origin.location,
        runId: origin.runId,
        runLink: given.runLink ?? null,
        loggedModelId: origin.loggedModelId,
        digest: origin.files.length === 0 ? null : treeDigest(origin.files),
        description,
        stage: 'none',
        note: given.note ?? '',
        createdMs: nowMs,
        updatedMs: nowMs,
      }
      if (origin.fresh !== true) await assertStillThere(registry, origin.files)
      await registry.insertVersion(version, origin.files)
      await registry.setVersionTags(version.model, version.version, tags)
      await registry.saveModel({ ...kept, updatedMs: nowMs })
      if (origin.loggedModelId !== null)
        await tellLoggedModel(tracking, origin.loggedModelId, version)
      await record({ registry, ledger }, by, version.model, {
        fact: facts.versionRegistered(version, tags),
        changes: versionBorn(version, tags),
      })
      return { ...version, tags, aliases: [] }
    })
  }
}

/** Bytes that no row refers to at this moment may be about to be freed, so nothing new may begin to refer to them. */
async function assertStillThere(
  registry: RegistryWrites,
  files: readonly ArtifactFile[],
): Promise<void> {
  const gone = await registry.unreferred(files.map(({ digest }) => digest))
  const file = files.find(({ digest }) => gone.includes(digest))
  if (file !== undefined)
    throw new Problem(
      'conflict',
      `the file ${file.path} of the model was deleted while the version was being registered; log the model again`,
    )
}

/** The logged model lists the versions made from it. */
async function tellLoggedModel(
  tracking: TrackingWrites,
  modelId: string,
  { model, version }: StoredVersion,
): Promise<void> {
  const [logged] = await tracking.loggedModelRecords([modelId])
  const kept = logged?.tags.find((tag) => tag.key === MODEL_VERSIONS_TAG)?.value
  const value = JSON.stringify([...listIn(kept), { name: model, version }])
  await tracking.setLoggedModelTags(modelId, [{ key: MODEL_VERSIONS_TAG, value }])
}

function listIn(text: string | undefined): unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list : []
  } catch {
    // Clients may write what they like into tags.
    return []
  }
}
