import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Fact, LedgerWrites, Transact } from '#ledger'
import { pageOf, type Page, type Tracking } from '#tracking'
import {
  datasetNotFound,
  digestOf,
  hashOfInputs,
  mergedRecord,
  newRecord,
  profileOf,
  schemaWith,
  userIn,
  type EvaluationDataset,
  type EvaluationRecord,
  type GivenRecord,
} from './dataset.ts'
import * as facts from './facts.ts'
import type { DatasetSearch, EvaluationReads, EvaluationWrites } from './store.ts'

export interface Datasets {
  create(
    actor: Actor,
    dataset: {
      name: string
      tags: Readonly<Record<string, string>>
      experimentIds: readonly string[]
    },
  ): Promise<EvaluationDataset>
  /** Throws `not-found`. */
  get(datasetId: string): Promise<EvaluationDataset>
  search(search: DatasetSearch): Promise<Page<EvaluationDataset>>
  /** One that is not there is fine. */
  delete(actor: Actor, datasetId: string): Promise<void>
  /** Adds tags; those that are there get the new values. */
  setTags(actor: Actor, datasetId: string, tags: Readonly<Record<string, string>>): Promise<void>
  /** One that is not there is fine. */
  deleteTag(actor: Actor, datasetId: string, key: string): Promise<void>
  /** Adds records, and merges those whose inputs are there already. */
  merge(
    actor: Actor,
    datasetId: string,
    records: readonly GivenRecord[],
  ): Promise<{ inserted: number; updated: number }>
  records(page: Parameters<EvaluationReads['records']>[0]): Promise<EvaluationRecord[]>
  deleteRecords(actor: Actor, datasetId: string, recordIds: readonly string[]): Promise<number>
  addExperiments(
    actor: Actor,
    datasetId: string,
    experimentIds: readonly string[],
  ): Promise<EvaluationDataset>
  removeExperiments(
    actor: Actor,
    datasetId: string,
    experimentIds: readonly string[],
  ): Promise<EvaluationDataset>
}

export interface EvaluationDependencies {
  readonly read: EvaluationReads
  readonly transact: Transact<{ evaluation: EvaluationWrites }>
  readonly tracking: Tracking
  readonly clock: Clock
  readonly ids: Ids
}

const NAME_CHARS_MAX = 255

export function createDatasets(dependencies: EvaluationDependencies): Datasets {
  const { read, transact, clock, ids } = dependencies
  return {
    create: (actor, { name, tags, experimentIds }) => {
      checkName(name)
      const nowMs = clock.nowMs()
      const user = userIn(tags)
      const dataset: EvaluationDataset = {
        datasetId: `d-${ids.hex32()}`,
        name,
        tags,
        schema: null,
        profile: null,
        digest: digestOf(name, nowMs),
        experimentIds: [...new Set(experimentIds)],
        createdMs: nowMs,
        updatedMs: nowMs,
        createdBy: user,
        updatedBy: user,
      }
      return transact(async ({ evaluation, ledger }) => {
        await evaluation.saveDataset(dataset)
        await ledger.append(actor, [facts.datasetCreated(dataset)])
        return dataset
      })
    },
    get: (datasetId) => datasetOf(read, datasetId),
    search: async (search) => pageOf(await read.searchDatasets(search), search),
    records: async (page) => {
      await datasetOf(read, page.datasetId)
      return read.records(page)
    },
    ...changesOf(dependencies),
    ...recordChanges(dependencies),
  }
}

function changesOf({
  transact,
  tracking,
  clock,
}: EvaluationDependencies): Pick<
  Datasets,
  'delete' | 'setTags' | 'deleteTag' | 'addExperiments' | 'removeExperiments'
> {
  const change = (
    actor: Actor,
    datasetId: string,
    work: (kept: EvaluationDataset) => { next: EvaluationDataset; fact: Fact } | undefined,
  ) =>
    transact(async ({ evaluation, ledger }) => {
      const kept = await datasetOf(evaluation, datasetId)
      const changed = work(kept)
      if (changed === undefined) return kept
      await evaluation.saveDataset(changed.next)
      await ledger.append(actor, [changed.fact])
      return changed.next
    })

  return {
    delete: (actor, datasetId) =>
      transact(async ({ evaluation, ledger }) => {
        const kept = await evaluation.findDataset(datasetId)
        if (kept === undefined) return
        await evaluation.deleteDataset(datasetId)
        await ledger.append(actor, [facts.datasetDeleted(kept)])
      }),
    setTags: async (actor, datasetId, tags) => {
      await change(actor, datasetId, (kept) => ({
        next: { ...kept, tags: { ...kept.tags, ...tags } },
        fact: facts.datasetTagged(kept, Object.keys(tags)),
      }))
    },
    deleteTag: (actor, datasetId, key) =>
      transact(async ({ evaluation, ledger }) => {
        const kept = await evaluation.findDataset(datasetId)
        if (kept === undefined || !Object.hasOwn(kept.tags, key)) return
        const { [key]: _gone, ...tags } = kept.tags
        await evaluation.saveDataset({ ...kept, tags })
        await ledger.append(actor, [facts.datasetTagged(kept, [key])])
      }),
    addExperiments: async (actor, datasetId, experimentIds) => {
      for (const each of experimentIds) await tracking.experiments.get(each)
      return change(actor, datasetId, (kept) => {
        const all = [...new Set([...kept.experimentIds, ...experimentIds])]
        const next = { ...kept, experimentIds: all, updatedMs: clock.nowMs() }
        return { next, fact: facts.datasetMoved(next) }
      })
    },
    removeExperiments: (actor, datasetId, experimentIds) =>
      change(actor, datasetId, (kept) => {
        const left = kept.experimentIds.filter((each) => !experimentIds.includes(each))
        if (left.length === kept.experimentIds.length) return undefined
        const next = { ...kept, experimentIds: left, updatedMs: clock.nowMs() }
        return { next, fact: facts.datasetMoved(next) }
      }),
  }
}

function recordChanges({
  transact,
  clock,
  ids,
}: EvaluationDependencies): Pick<Datasets, 'merge' | 'deleteRecords'> {
  return {
    merge: (actor, datasetId, given) => {
      const nowMs = clock.nowMs()
      const hashed = given.map((each) => ({ each, inputHash: hashOfInputs(each.inputs) }))
      return transact(async ({ evaluation, ledger }) => {
        const kept = await datasetOf(evaluation, datasetId)
        const hashes = hashed.map(({ inputHash }) => inputHash)
        const known = await evaluation.findRecords(datasetId, hashes)
        const records = new Map(known.map((record) => [record.inputHash, record]))
        let inserted = 0
        for (const { each, inputHash } of hashed) {
          const found = records.get(inputHash)
          if (found === undefined) inserted++
          const place = { recordId: `dr-${ids.hex32()}`, datasetId, inputHash, nowMs }
          records.set(
            inputHash,
            found === undefined ? newRecord(each, place) : mergedRecord(found, each, nowMs),
          )
        }
        await evaluation.saveRecords([...records.values()])
        const next = {
          ...kept,
          schema: schemaWith(kept.schema, given),
          profile: profileOf(await evaluation.countRecords(datasetId)),
          digest: digestOf(kept.name, nowMs),
          updatedMs: nowMs,
          updatedBy: given.reduce<string | null>((by, { tags }) => userIn(tags) ?? by, null),
        }
        const counts = { inserted, updated: given.length - inserted }
        await keep({ evaluation, ledger }, actor, next, facts.recordsMerged(next, counts))
        return counts
      })
    },
    deleteRecords: (actor, datasetId, recordIds) =>
      transact(async ({ evaluation, ledger }) => {
        const kept = await datasetOf(evaluation, datasetId)
        const deleted = await evaluation.deleteRecords(datasetId, recordIds)
        if (deleted === 0) return 0
        const profile = profileOf(await evaluation.countRecords(datasetId))
        const fact = facts.recordsDeleted(kept, deleted)
        await keep({ evaluation, ledger }, actor, { ...kept, profile }, fact)
        return deleted
      }),
  }
}

async function keep(
  { evaluation, ledger }: { evaluation: EvaluationWrites; ledger: LedgerWrites },
  actor: Actor,
  dataset: EvaluationDataset,
  fact: Fact,
): Promise<void> {
  await evaluation.saveDataset(dataset)
  await ledger.append(actor, [fact])
}

function checkName(name: string): void {
  const fits = name.trim() !== '' && name.length <= NAME_CHARS_MAX
  // The ledger tells names, and takes only text that is text.
  if (fits && name.isWellFormed() && !name.includes('\0')) return
  throw new Problem(
    'invalid',
    `${JSON.stringify(name.slice(0, 100))} is no name for a dataset; use 1 to ${NAME_CHARS_MAX} characters`,
  )
}

/** Throws `not-found`. */
async function datasetOf(
  read: Pick<EvaluationReads, 'findDataset'>,
  datasetId: string,
): Promise<EvaluationDataset> {
  const dataset = await read.findDataset(datasetId)
  if (dataset === undefined) throw datasetNotFound(datasetId)
  return dataset
}
