import type { Actor, Transact } from '#ledger'
import { aliasChange, type Author } from './change.ts'
import * as facts from './facts.ts'
import { modelNotFound, versionNotFound, type ModelVersion } from './model.ts'
import { checkedAlias } from './names.ts'
import { record, type RegistryTx } from './record.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'
import { Problem } from '#base/problem'

/** Who may say no to moving an alias by hand. */
export interface AliasGuard {
  /** Throws `conflict`, with what to do instead, for an alias that moves only through a promotion. */
  check(model: string, alias: string, actor: Actor): Promise<void>
  /** Throws `conflict`, with what to do first, for a version, or a model with one, that something answers with now. Absent: nothing can. */
  checkDeletion?(model: string, version?: number): Promise<void>
}

export interface AliasMove {
  readonly model: string
  readonly alias: string
  readonly version: number
  readonly promotion?: string
}

export interface Aliases {
  set(by: Author, move: { model: string; alias: string; version: number }): Promise<void>
  /** An alias that is not there is fine. */
  delete(by: Author, model: string, alias: string): Promise<void>
  /** Throws `not-found` for the model, `invalid` for the alias. */
  get(model: string, alias: string): Promise<ModelVersion>
}

export function createAliases(dependencies: {
  read: RegistryReads
  transact: Transact<{ registry: RegistryWrites }>
  guard: AliasGuard
}): Aliases {
  const { read, transact, guard } = dependencies
  return {
    set: async (by, move) => {
      await guard.check(move.model, checkedAlias(move.alias), by)
      await transact((tx) => moveAlias(tx, by, move))
    },
    delete: async (by, model, alias) => {
      await guard.check(model, alias, by)
      await transact((tx) => dropAlias(tx, by, model, alias))
    },
    get: async (model, alias) => {
      const version = await read.findVersionByAlias(model, alias)
      if (version !== undefined) return version
      if ((await read.findModel(model)) === undefined) throw modelNotFound(model)
      throw new Problem(
        'invalid',
        `Registered model alias ${alias} not found; set it on a version of ${model} first`,
      )
    },
  }
}

/** Points an alias at a version inside a transaction of somebody who may. Throws `not-found` for the version. */
export async function moveAlias(tx: RegistryTx, by: Author, move: AliasMove): Promise<void> {
  const { registry } = tx
  const { model, alias, version, promotion } = move
  const kept = await registry.findModel(model)
  if (kept === undefined) throw modelNotFound(model)
  if ((await registry.findVersion(model, version)) === undefined)
    throw versionNotFound(model, version)
  const from = kept.aliases.find((each) => each.alias === alias)?.version ?? null
  if (from === version) return
  await registry.setAlias(model, alias, version)
  await record(tx, by, model, {
    fact: facts.aliasMoved({ ...move, from }),
    changes: [aliasChange(alias, from, version)],
    ...(promotion === undefined ? {} : { cause: `promotion ${promotion}` }),
  })
}

async function dropAlias(tx: RegistryTx, by: Author, model: string, alias: string) {
  const kept = await tx.registry.findModel(model)
  if (kept === undefined) throw modelNotFound(model)
  const from = kept.aliases.find((each) => each.alias === alias)?.version
  if (from === undefined) return
  await tx.registry.deleteAlias(model, alias)
  await record(tx, by, model, {
    fact: facts.aliasMoved({ model, alias, version: null, from }),
    changes: [aliasChange(alias, from, null)],
  })
}
