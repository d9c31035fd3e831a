import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import { pageOf, type KeyValue, type Page } from '#tracking'
import type { AliasGuard } from './aliases.ts'
import { modelBorn, nameChange, noteChange, tagChange, type Author } from './change.ts'
import * as facts from './facts.ts'
import { modelNotFound, type ModelVersion, type RegisteredModel } from './model.ts'
import { checkedName, checkedTag, checkedTags } from './names.ts'
import { record, type RegistryTx } from './record.ts'
import type { ModelSearch, RegistryReads, RegistryWrites } from './store.ts'

/** A model with the newest version of each of its stages. */
export interface ModelRecord extends RegisteredModel {
  readonly newest: readonly ModelVersion[]
}

export interface Models {
  /** Throws `exists` when the name is taken. */
  create(
    by: Author,
    model: { name: string; note?: string; tags?: readonly KeyValue[] },
  ): Promise<ModelRecord>
  /** Throws `not-found`. */
  get(name: string): Promise<ModelRecord>
  find(name: string): Promise<RegisteredModel | undefined>
  search(search: ModelSearch): Promise<Page<ModelRecord>>
  rename(by: Author, from: string, to: string): Promise<ModelRecord>
  note(by: Author, name: string, note: string): Promise<ModelRecord>
  delete(by: Author, name: string): Promise<void>
  setTag(by: Author, name: string, tag: KeyValue): Promise<void>
  /** A tag that is not there is fine. */
  deleteTag(by: Author, name: string, key: string): Promise<void>
}

interface Dependencies {
  readonly read: RegistryReads
  readonly transact: Transact<{ registry: RegistryWrites }>
  readonly guard: AliasGuard
  readonly clock: Clock
}

export function createModels(dependencies: Dependencies): Models {
  const { read, transact, clock } = dependencies
  return {
    create: async (by, { name, note = '', tags: given = [] }) => {
      checkedName(name)
      const tags = checkedTags(given)
      return transact(async ({ registry, ledger }) => {
        if ((await registry.findModel(name)) !== undefined)
          throw new Problem(
            'exists',
            `Registered Model (name=${name}) already exists; register a version of it or choose another name`,
          )
        const nowMs = clock.nowMs()
        await registry.insertModel({ name, note, createdMs: nowMs, updatedMs: nowMs })
        await registry.setModelTags(name, tags)
        await record({ registry, ledger }, by, name, {
          fact: facts.modelCreated(name, note, tags),
          changes: modelBorn(name, note, tags),
        })
        return recordOf(registry, name)
      })
    },
    get: (name) => recordOf(read, name),
    find: (name) => read.findModel(name),
    search: async (search) => {
      const { items, next } = pageOf(await read.searchModels(search), search)
      return { items: await withNewest(read, items), next }
    },
    ...modelChanges(dependencies),
  }
}

function modelChanges({
  transact,
  guard,
  read,
  clock,
}: Dependencies): Pick<Models, 'rename' | 'note' | 'delete' | 'setTag' | 'deleteTag'> {
  const change = (
    name: string,
    work: (tx: RegistryTx & { model: RegisteredModel }) => Promise<void>,
  ) =>
    transact(async ({ registry, ledger }) => {
      const kept = await modelOf(registry, name)
      const model = { ...kept, updatedMs: clock.nowMs() }
      await registry.saveModel(model)
      await work({ registry, ledger, model })
    })
  /** Renaming or deleting a model takes its aliases from where they are. */
  const checkAliases = async (by: Author, name: string) => {
    const { aliases } = await modelOf(read, name)
    for (const { alias } of aliases) await guard.check(name, alias, by)
  }

  return {
    rename: async (by, from, to) => {
      checkedName(to)
      await checkAliases(by, from)
      await change(from, async (tx) => {
        if ((await tx.registry.findModel(to)) !== undefined)
          throw new Problem(
            'exists',
            `Registered Model (name=${to}) already exists; choose another name`,
          )
        await tx.registry.renameModel(from, to)
        await record(tx, by, from, {
          fact: facts.modelRenamed(from, to),
          changes: [nameChange(from, to)],
        })
      })
      return recordOf(read, to)
    },
    note: async (by, name, note) => {
      await change(name, async (tx) => {
        await tx.registry.saveModel({ ...tx.model, note })
        await record(tx, by, name, {
          fact: facts.modelNoted(name, note, tx.model.note),
          changes: [noteChange(null, tx.model.note, note)],
        })
      })
      return recordOf(read, name)
    },
    delete: async (by, name) => {
      await checkAliases(by, name)
      await guard.checkDeletion?.(name)
      await change(name, async (tx) => {
        // Kept aside under the position of the entry that tells of it, which comes next.
        await tx.registry.keepModelAside(await tx.ledger.size(), name)
        await tx.registry.deleteModel(name)
        await record(tx, by, name, {
          fact: facts.modelDeleted(name),
          changes: [nameChange(name, null)],
        })
      })
    },
    ...modelTagging(change),
  }
}

function modelTagging(
  change: (
    name: string,
    work: (tx: RegistryTx & { model: RegisteredModel }) => Promise<void>,
  ) => Promise<void>,
): Pick<Models, 'setTag' | 'deleteTag'> {
  return {
    setTag: (by, name, tag) =>
      change(name, async (tx) => {
        const from = valueOf(tx.model.tags, tag.key)
        await tx.registry.setModelTags(name, [checkedTag(tag)])
        await record(tx, by, name, {
          fact: facts.modelTagSet(name, tag, from),
          changes: [tagChange(null, tag.key, { before: from, after: tag.value })],
        })
      }),
    deleteTag: (by, name, key) =>
      change(name, async (tx) => {
        const from = valueOf(tx.model.tags, key)
        if (await tx.registry.deleteModelTag(name, key))
          await record(tx, by, name, {
            fact: facts.modelTagDeleted(name, key, from),
            changes: [tagChange(null, key, { before: from, after: null })],
          })
      }),
  }
}

export function valueOf(tags: readonly KeyValue[], key: string): string | null {
  return tags.find((tag) => tag.key === key)?.value ?? null
}

/** Throws `not-found`. */
export async function modelOf(
  read: Pick<RegistryReads, 'findModel'>,
  name: string,
): Promise<RegisteredModel> {
  const model = await read.findModel(name)
  if (model === undefined) throw modelNotFound(name)
  return model
}

async function recordOf(read: RegistryReads, name: string): Promise<ModelRecord> {
  const [found] = await withNewest(read, [await modelOf(read, name)])
  return found as ModelRecord
}

async function withNewest(
  read: RegistryReads,
  models: readonly RegisteredModel[],
): Promise<ModelRecord[]> {
  const newest = await read.newestOfStages(models.map((model) => model.name))
  return models.map((model) =>
    Object.assign({ newest: newest.filter((version) => version.model === model.name) }, model),
  )
}
