import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import { joinUri, pathOfUri, relativeTo, treeDigest } from './artifact.ts'
import { assertActiveExperiment, checkedExperimentId, type KeyValue } from './experiment.ts'
import { experimentOf } from './experiments.ts'
import * as facts from './facts.ts'
import {
  checkedModelName,
  type LoggedModel,
  type LoggedModelRecord,
  type LoggedModelStatus,
} from './logged-model.ts'
import { generatedName, KEY_CHARS_MAX } from './names.ts'
import { pageOf, type Page } from './search.ts'
import type { LoggedModelSearch, TrackingReads, TrackingWrites } from './store.ts'

export interface NewLoggedModel {
  readonly experimentId: string
  readonly name?: string
  readonly modelType?: string
  readonly sourceRunId?: string
  readonly params?: readonly KeyValue[]
  readonly tags?: readonly KeyValue[]
}

/** Models as runs leave them. What is deleted is not found, except where it is said. */
export interface LoggedModels {
  create(model: NewLoggedModel): Promise<LoggedModelRecord>
  /** Throws `not-found`. */
  get(modelId: string, options?: { deleted: 'refuse' | 'allow' }): Promise<LoggedModelRecord>
  search(search: LoggedModelSearch): Promise<Page<LoggedModelRecord>>
  /** Says how its upload ended. Once ready, the digest of its files is on the ledger. */
  setStatus(actor: Actor, modelId: string, status: LoggedModelStatus): Promise<LoggedModelRecord>
  delete(actor: Actor, modelId: string): Promise<void>
  /** Throws `not-found` for one that was never there or is gone for good. */
  restore(actor: Actor, modelId: string): Promise<void>
  setTags(modelId: string, tags: readonly KeyValue[]): Promise<void>
  deleteTag(modelId: string, key: string): Promise<void>
  addParams(modelId: string, params: readonly KeyValue[]): Promise<void>
}

interface Dependencies {
  readonly read: TrackingReads
  readonly transact: Transact<{ tracking: TrackingWrites }>
  readonly clock: Clock
  readonly ids: Ids
}

export function createLoggedModels({ read, transact, clock, ids }: Dependencies): LoggedModels {
  const change = (
    modelId: string,
    work: (tracking: TrackingWrites, model: LoggedModel) => Promise<void>,
  ) =>
    transact(async ({ tracking }) => {
      const kept = await modelOf(tracking, modelId)
      const model = { ...kept, updatedMs: clock.nowMs() }
      await tracking.saveLoggedModel(model)
      await work(tracking, model)
    })

  return {
    create: (given) =>
      transact((tx) => createModel(tx.tracking, given, { nowMs: clock.nowMs(), hex: ids.hex32() })),
    get: async (modelId, options = { deleted: 'refuse' }) => {
      const [model] = await read.loggedModelRecords([modelId])
      if (model === undefined || (model.lifecycle === 'deleted' && options.deleted === 'refuse'))
        throw modelNotFound(modelId)
      return model
    },
    search: async (search) => {
      search.experimentIds.forEach(checkedExperimentId)
      const { items, next } = pageOf(await read.searchLoggedModels(search), search)
      return { items: await read.loggedModelRecords(items), next }
    },
    setStatus: (actor, modelId, status) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await modelOf(tracking, modelId)
        const model = { ...kept, status, updatedMs: clock.nowMs() }
        await tracking.saveLoggedModel(model)
        if (status === 'ready' && kept.status !== 'ready')
          await ledger.append(actor, [
            facts.loggedModelReady(model, await digestOfFiles(tracking, model)),
          ])
        const [record] = await tracking.loggedModelRecords([modelId])
        return record as LoggedModelRecord
      }),
    delete: (actor, modelId) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await tracking.findLoggedModel(modelId)
        if (kept === undefined) throw modelNotFound(modelId)
        if (kept.lifecycle === 'deleted') return
        await tracking.saveLoggedModel({ ...kept, lifecycle: 'deleted', updatedMs: clock.nowMs() })
        await ledger.append(actor, [facts.loggedModelDeleted(kept)])
      }),
    restore: (actor, modelId) =>
      transact(async ({ tracking, ledger }) => {
        const kept = await tracking.findLoggedModel(modelId)
        if (kept === undefined) throw modelNotFound(modelId)
        if (kept.lifecycle === 'active') return
        await tracking.saveLoggedModel({ ...kept, lifecycle: 'active', updatedMs: clock.nowMs() })
        await ledger.append(actor, [facts.loggedModelRestored(kept)])
      }),
    setTags: (modelId, tags) =>
      change(modelId, (tracking) => tracking.setLoggedModelTags(modelId, tags.map(checkedTag))),
    deleteTag: (modelId, key) =>
      change(modelId, async (tracking) => {
        if (!(await tracking.deleteLoggedModelTag(modelId, key)))
          throw new Problem('not-found', `the logged model ${modelId} has no tag ${key}`)
      }),
    addParams: (modelId, params) =>
      change(modelId, (tracking) => tracking.setLoggedModelParams(modelId, params.map(checkedTag))),
  }
}

/** Throws `not-found`, also for a deleted one. */
export async function modelOf(
  read: Pick<TrackingReads, 'findLoggedModel'>,
  modelId: string,
): Promise<LoggedModel> {
  const model = await read.findLoggedModel(modelId)
  if (model === undefined || model.lifecycle === 'deleted') throw modelNotFound(modelId)
  return model
}

async function createModel(
  tracking: TrackingWrites,
  given: NewLoggedModel,
  { nowMs, hex }: { nowMs: number; hex: string },
): Promise<LoggedModelRecord> {
  const name = given.name === undefined ? generatedName(hex) : checkedModelName(given.name)
  const experiment = await experimentOf(tracking, given.experimentId)
  assertActiveExperiment(experiment)
  const modelId = `m-${hex}`
  await tracking.insertLoggedModel({
    modelId,
    experimentId: experiment.experimentId,
    name,
    artifactUri: joinUri(experiment.artifactLocation, 'models', modelId, 'artifacts'),
    createdMs: nowMs,
    updatedMs: nowMs,
    status: 'pending',
    modelType: given.modelType ?? '',
    sourceRunId: given.sourceRunId ?? null,
    lifecycle: 'active',
  })
  await tracking.setLoggedModelParams(modelId, (given.params ?? []).map(checkedTag))
  await tracking.setLoggedModelTags(modelId, (given.tags ?? []).map(checkedTag))
  const [record] = await tracking.loggedModelRecords([modelId])
  return record as LoggedModelRecord
}

async function digestOfFiles(tracking: TrackingReads, model: LoggedModel): Promise<string> {
  const root = pathOfUri(model.artifactUri)
  if (root === undefined) return treeDigest([])
  return treeDigest(relativeTo(root, await tracking.filesBelow(root)))
}

function checkedTag(pair: KeyValue): KeyValue {
  if (pair.key.length <= KEY_CHARS_MAX) return pair
  throw new Problem(
    'invalid',
    `a key of a logged model has ${pair.key.length} characters; the limit is ${KEY_CHARS_MAX}`,
  )
}

function modelNotFound(modelId: string): Problem {
  return new Problem(
    'not-found',
    `Logged model with ID '${modelId}' not found; look for it with a search`,
  )
}
