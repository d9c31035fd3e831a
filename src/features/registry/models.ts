import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, LedgerWrites, Transact } from '#ledger'
import { pageOf, type KeyValue, type Page } from '#tracking'
import type { AliasGuard } from './aliases.ts'
import * as facts from './facts.ts'
import { modelNotFound, type ModelVersion, type RegisteredModel } from './model.ts'
import { checkedName, checkedTag } from './names.ts'
import type { ModelSearch, RegistryReads, RegistryWrites } from './store.ts'

/** A model with the newest version of each of its stages. */
export interface ModelRecord extends RegisteredModel {
  readonly newest: readonly ModelVersion[]
}

export interface Models {
  /** Throws `exists` when the name is taken. */
  create(
    actor: Actor,
    model: { name: string; note?: string; tags?: readonly KeyValue[] },
  ): Promise<ModelRecord>
  /** Throws `not-found`. */
  get(name: string): Promise<ModelRecord>
  find(name: string): Promise<RegisteredModel | undefined>
  search(search: ModelSearch): Promise<Page<ModelRecord>>
  rename(actor: Actor, from: string, to: string): Promise<ModelRecord>
  note(actor: Actor, name: string, note: string): Promise<ModelRecord>
  delete(actor: Actor, name: string): Promise<void>
  setTag(actor: Actor, name: string, tag: KeyValue): Promise<void>
  /** A tag that is not there is fine. */
  deleteTag(actor: Actor, name: string, key: string): Promise<void>
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
    create: async (actor, { name, note = '', tags = [] }) => {
      checkedName(name)
      tags.forEach(checkedTag)
      return transact(async ({ registry, ledger }) => {
        if ((await registry.findModel(name)) !== undefined)
          throw new Problem(
            'exists',
            `Registered Model (name=${name}) already exists; register a version of it or choose another name`,
          )
        const nowMs = clock.nowMs()
        await registry.insertModel({ name, note, createdMs: nowMs, updatedMs: nowMs })
        await registry.setModelTags(name, tags)
        await ledger.append(actor, [facts.modelCreated(name)])
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
    work: (tx: {
      registry: RegistryWrites
      ledger: LedgerWrites
      model: RegisteredModel
    }) => Promise<void>,
  ) =>
    transact(async ({ registry, ledger }) => {
      const kept = await modelOf(registry, name)
      const model = { ...kept, updatedMs: clock.nowMs() }
      await registry.saveModel(model)
      await work({ registry, ledger, model })
    })
  /** Renaming or deleting a model takes its aliases from where they are. */
  const checkAliases = async (actor: Actor, name: string) => {
    const { aliases } = await modelOf(read, name)
    for (const { alias } of aliases) await guard.check(name, alias, actor)
  }

  return {
    rename: async (actor, from, to) => {
      checkedName(to)
      await checkAliases(actor, from)
      await change(from, async ({ registry, ledger }) => {
        if ((await registry.findModel(to)) !== undefined)
          throw new Problem(
            'exists',
            `Registered Model (name=${to}) already exists; choose another name`,
          )
        await registry.renameModel(from, to)
        await ledger.append(actor, [facts.modelRenamed(from, to)])
      })
      return recordOf(read, to)
    },
    note: async (actor, name, note) => {
      await change(name, async ({ registry, ledger, model }) => {
        await registry.saveModel({ ...model, note })
        await ledger.append(actor, [facts.modelNoted(name, note)])
      })
      return recordOf(read, name)
    },
    delete: async (actor, name) => {
      await checkAliases(actor, name)
      await change(name, async ({ registry, ledger }) => {
        await registry.deleteModel(name)
        await ledger.append(actor, [facts.modelDeleted(name)])
      })
    },
    setTag: (actor, name, tag) =>
      change(name, async ({ registry, ledger }) => {
        await registry.setModelTags(name, [checkedTag(tag)])
        await ledger.append(actor, [facts.modelTagSet(name, tag)])
      }),
    deleteTag: (actor, name, key) =>
      change(name, async ({ registry, ledger }) => {
        if (await registry.deleteModelTag(name, key))
          await ledger.append(actor, [facts.modelTagDeleted(name, key)])
      }),
  }
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
  const [record] = await withNewest(read, [await modelOf(read, name)])
  return record as ModelRecord
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
