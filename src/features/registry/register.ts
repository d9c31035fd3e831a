import type { Readable } from 'node:stream'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import {
  MODEL_VERSIONS_TAG,
  treeDigest,
  type ArtifactFile,
  type Tracking,
  type TrackingWrites,
} from '#tracking'
import type { DescribeModel } from './description.ts'
import { NO_DESCRIPTION } from './description.ts'
import * as facts from './facts.ts'
import { isPrompt, modelNotFound, type ModelVersion } from './model.ts'
import { modelOf } from './models.ts'
import { checkedTag } from './names.ts'
import { originOf, promptOrigin, type NewVersion } from './origin.ts'
import type { RegistryReads, RegistryWrites, StoredVersion } from './store.ts'

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
): (actor: Actor, given: NewVersion) => Promise<ModelVersion> {
  const { read, transact, describe, openObject, clock } = dependencies

  const described = async (files: readonly ArtifactFile[]) => {
    if (files.length === 0) return NO_DESCRIPTION
    return describe(files, async (path) => {
      const file = files.find((each) => each.path === path)
      if (file === undefined) throw new Problem('not-found', `the model has no file ${path}`)
      return openObject(file.digest)
    })
  }

  return async (actor, given) => {
    const tags = (given.tags ?? []).map(checkedTag)
    const model = await modelOf(read, given.model)
    const origin = isPrompt([...model.tags, ...tags])
      ? promptOrigin(given)
      : await originOf(dependencies, given)
    const description = await described(origin.files)
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
      await registry.insertVersion(version, origin.files)
      await registry.setVersionTags(version.model, version.version, tags)
      await registry.saveModel({ ...kept, updatedMs: nowMs })
      if (origin.loggedModelId !== null)
        await tellLoggedModel(tracking, origin.loggedModelId, version)
      await ledger.append(actor, [facts.versionRegistered(version)])
      return { ...version, tags, aliases: [] }
    })
  }
}

/** The logged model lists the versions made from it. */
async function tellLoggedModel(
  tracking: TrackingWrites,
  modelId: string,
  { model, version }: StoredVersion,
): Promise<void> {
  const [record] = await tracking.loggedModelRecords([modelId])
  const kept = record?.tags.find((tag) => tag.key === MODEL_VERSIONS_TAG)?.value
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
