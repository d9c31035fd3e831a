import type { Clock } from '#base/clock'
import type { Transact } from '#ledger'
import { pageOf, type ArtifactFile, type KeyValue, type Page } from '#tracking'
import type { AliasGuard } from './aliases.ts'
import {
  aliasChange,
  deletedChange,
  noteChange,
  stageChange,
  tagChange,
  type Author,
} from './change.ts'
import * as facts from './facts.ts'
import { versionNotFound, type ModelVersion, type Stage } from './model.ts'
import { modelOf, valueOf } from './models.ts'
import { checkedTag } from './names.ts'
import { record, type RegistryTx } from './record.ts'
import type { RegistryReads, RegistryWrites, VersionSearch } from './store.ts'

export interface Versions {
  /** Throws `not-found`. */
  get(model: string, version: number): Promise<ModelVersion>
  search(search: VersionSearch): Promise<Page<ModelVersion>>
  /** The newest of each stage, or of each of the stages named. Throws `not-found` for the model. */
  newest(model: string, stages?: readonly Stage[]): Promise<ModelVersion[]>
  /** Its files as they were when it was registered. Throws `not-found`. */
  files(model: string, version: number): Promise<ArtifactFile[]>
  note(by: Author, model: string, version: number, note: string): Promise<ModelVersion>
  /** Its number is never given again. */
  delete(by: Author, model: string, version: number): Promise<void>
  setTag(by: Author, model: string, version: number, tag: KeyValue): Promise<void>
  /** A tag that is not there is fine. */
  deleteTag(by: Author, model: string, version: number, key: string): Promise<void>
  move(
    by: Author,
    move: { model: string; version: number; stage: Stage; others: 'keep' | 'archive' },
  ): Promise<ModelVersion>
}

interface Dependencies {
  readonly read: RegistryReads
  readonly transact: Transact<{ registry: RegistryWrites }>
  readonly guard: AliasGuard
  readonly clock: Clock
}

interface VersionTx extends RegistryTx {
  readonly kept: ModelVersion
}

/** Throws `not-found`. */
export async function versionOf(
  read: Pick<RegistryReads, 'findVersion'>,
  model: string,
  version: number,
): Promise<ModelVersion> {
  const found = await read.findVersion(model, version)
  if (found === undefined) throw versionNotFound(model, version)
  return found
}

export function createVersions(dependencies: Dependencies): Versions {
  const { read } = dependencies
  return {
    get: (model, version) => versionOf(read, model, version),
    search: async (search) => pageOf(await read.searchVersions(search), search),
    newest: async (model, stages) => {
      await modelOf(read, model)
      const newest = await read.newestOfStages([model])
      return stages === undefined || stages.length === 0
        ? newest
        : newest.filter((version) => stages.includes(version.stage))
    },
    files: async (model, version) => {
      await versionOf(read, model, version)
      return read.files(model, version)
    },
    ...versionChanges(dependencies),
  }
}

function versionChanges({
  read,
  transact,
  guard,
  clock,
}: Dependencies): Pick<Versions, 'note' | 'delete' | 'setTag' | 'deleteTag' | 'move'> {
  const change = (model: string, version: number, work: (tx: VersionTx) => Promise<void>) =>
    transact(async ({ registry, ledger }) => {
      const found = await versionOf(registry, model, version)
      const kept = { ...found, updatedMs: clock.nowMs() }
      await registry.saveVersion(kept)
      await work({ registry, ledger, kept })
      return (await registry.findVersion(model, version)) ?? kept
    })

  return {
    note: (by, model, version, note) =>
      change(model, version, async (tx) => {
        await tx.registry.saveVersion({ ...tx.kept, note })
        await record(tx, by, model, {
          fact: facts.versionNoted(tx.kept, note),
          changes: [noteChange(version, tx.kept.note, note)],
        })
      }),
    delete: async (by, model, version) => {
      const { aliases } = await versionOf(read, model, version)
      for (const alias of aliases) await guard.check(model, alias, by)
      await guard.checkDeletion?.(model, version)
      await change(model, version, async (tx) => {
        for (const alias of tx.kept.aliases)
          await record(tx, by, model, {
            fact: facts.aliasMoved({ model, alias, version: null, from: version }),
            changes: [aliasChange(alias, version, null)],
          })
        // Kept aside under the position of the entry that tells of it, which comes next.
        await tx.registry.keepVersionAside(await tx.ledger.size(), tx.kept)
        await tx.registry.deleteVersion(model, version)
        await record(tx, by, model, {
          fact: facts.versionDeleted(tx.kept),
          changes: [deletedChange(tx.kept)],
        })
      })
    },
    setTag: async (by, model, version, tag) => {
      await change(model, version, async (tx) => {
        const from = valueOf(tx.kept.tags, tag.key)
        await tx.registry.setVersionTags(model, version, [checkedTag(tag)])
        await record(tx, by, model, {
          fact: facts.versionTagSet(tx.kept, tag, from),
          changes: [tagChange(version, tag.key, { before: from, after: tag.value })],
        })
      })
    },
    deleteTag: async (by, model, version, key) => {
      await change(model, version, async (tx) => {
        const from = valueOf(tx.kept.tags, key)
        if (await tx.registry.deleteVersionTag(model, version, key))
          await record(tx, by, model, {
            fact: facts.versionTagDeleted(tx.kept, key, from),
            changes: [tagChange(version, key, { before: from, after: null })],
          })
      })
    },
    move: (by, { model, version, stage, others }) =>
      change(model, version, async (tx) => {
        if (others === 'archive') await archiveOthers(tx, by, stage)
        await stageOf(tx, by, tx.kept, stage)
      }),
  }
}

async function archiveOthers(tx: VersionTx, by: Author, stage: Stage): Promise<void> {
  const { kept } = tx
  const all = await tx.registry.searchVersions({
    kind: 'model',
    conditions: [{ field: { of: 'attribute', name: 'model' }, comparator: '=', value: kept.model }],
    order: [],
    limit: Number.MAX_SAFE_INTEGER - 1,
  })
  for (const { item: other } of all) {
    if (other.stage !== stage || other.version === kept.version) continue
    await stageOf(tx, by, { ...other, updatedMs: kept.updatedMs }, 'archived')
  }
}

async function stageOf(
  tx: RegistryTx,
  by: Author,
  version: ModelVersion,
  stage: Stage,
): Promise<void> {
  await tx.registry.saveVersion({ ...version, stage })
  await record(tx, by, version.model, {
    fact: facts.versionStaged({ ...version, stage }, version.stage),
    changes: [stageChange(version.version, version.stage, stage)],
  })
}
