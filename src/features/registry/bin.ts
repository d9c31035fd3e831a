import { Problem } from '#base/problem'
import type { Fact, Transact } from '#ledger'
import { moveAlias, type AliasGuard } from './aliases.ts'
import { registeredChange, stageChange, tagChange, noteChange, type Author } from './change.ts'
import type { KeptAside } from './bin-store.ts'
import { versionNotFound, type ModelVersion } from './model.ts'
import { record, recordWhole, type RegistryTx } from './record.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'

export interface RegistryBin {
  /**
   * Takes back what was deleted, under its old name and numbers. Throws `not-found` when it is not kept any more,
   * `exists` when its place is taken.
   */
  restore(by: Author, position: number): Promise<{ aliasesLeft: string[] }>
}

export function createRegistryBin({
  read,
  transact,
  guard,
}: {
  read: RegistryReads
  transact: Transact<{ registry: RegistryWrites }>
  guard: Pick<AliasGuard, 'check'>
}): RegistryBin {
  return {
    restore: async (by, position) => {
      const kept = await asideOf(read, position)
      const free = await unprotected(guard, by, kept)
      return transact(async (tx) => {
        await asideOf(tx.registry, position)
        await assertPlace(tx.registry, kept)
        await tx.registry.takeBack(position)
        await tell(tx, by, kept, position)
        return { aliasesLeft: await setAliases(tx, by, kept, free) }
      })
    },
  }
}

async function asideOf(read: Pick<RegistryReads, 'findAside'>, position: number) {
  const kept = await read.findAside(position)
  if (kept === undefined)
    throw new Problem('not-found', `nothing of the registry is kept from entry ${position}`)
  return kept
}

async function assertPlace(registry: RegistryReads, kept: KeptAside): Promise<void> {
  const { model, isModel, versions } = kept
  const present = await registry.findModel(model)
  if (isModel && present !== undefined)
    throw new Problem(
      'exists',
      `there is another registered model ${model} now; rename that one, then restore this`,
    )
  if (isModel) return
  if (present === undefined)
    throw new Problem(
      'not-found',
      `the registered model ${model} of that version is gone; restore or create it first`,
    )
  for (const { version } of versions)
    if ((await registry.findVersion(model, version)) !== undefined)
      throw new Problem('exists', `${model} has another version ${version} now; delete that first`)
}

async function tell(
  tx: RegistryTx,
  by: Author,
  { model, isModel, versions }: KeptAside,
  deletion: number,
): Promise<void> {
  if (isModel) return recordWhole(tx, by, model, modelRestored(model, versions.length, deletion))
  for (const { version } of versions) {
    const restored = await tx.registry.findVersion(model, version)
    if (restored === undefined) throw versionNotFound(model, version)
    await record(tx, by, model, {
      fact: versionRestored(restored, deletion),
      changes: [
        registeredChange(restored),
        noteChange(version, '', restored.note),
        stageChange(version, 'none', restored.stage),
        ...restored.tags.map(({ key, value }) =>
          tagChange(version, key, { before: null, after: value }),
        ),
      ],
    })
  }
}

/** Whether an alias may be set again is asked before the transaction, since it is not the registry's to know. */
async function unprotected(
  guard: Pick<AliasGuard, 'check'>,
  by: Author,
  { model, versions }: KeptAside,
): Promise<Set<string>> {
  const free = new Set<string>()
  for (const alias of versions.flatMap(({ aliases }) => aliases))
    try {
      await guard.check(model, alias, by)
      free.add(alias)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
    }
  return free
}

/** Sets the aliases that nothing has taken since; gives the others. */
async function setAliases(
  tx: RegistryTx,
  by: Author,
  { model, versions }: KeptAside,
  free: ReadonlySet<string>,
): Promise<string[]> {
  const taken = new Set((await tx.registry.findModel(model))?.aliases.map(({ alias }) => alias))
  const left: string[] = []
  for (const { version, aliases } of versions)
    for (const alias of aliases)
      if (taken.has(alias) || !free.has(alias)) left.push(alias)
      else await moveAlias(tx, by, { model, alias, version })
  return left
}

function modelRestored(model: string, versions: number, deletion: number): Fact {
  return { type: 'registered-model-restored', data: { model, versions, deletion } }
}

function versionRestored({ model, version, digest }: ModelVersion, deletion: number): Fact {
  return { type: 'model-version-restored', data: { model, version, digest, deletion } }
}
