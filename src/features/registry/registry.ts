import type { Clock } from '#base/clock'
import type { Fact, Transact } from '#ledger'
import type { ObjectStore } from '#objects'
import type { ArtifactFile, Tracking, TrackingWrites } from '#tracking'
import {
  createAliases,
  moveAlias,
  type AliasGuard,
  type Aliases,
  type AliasMove,
} from './aliases.ts'
import type { Author } from './change.ts'
import { createRegistryBin, type RegistryBin } from './bin.ts'
import type { DescribeModel } from './description.ts'
import { createHistory, type RegistryHistory } from './history.ts'
import { modelNotFound, type ModelVersion, type Stage } from './model.ts'
import { createRegistryIntake, type RegistryIntake } from './intake.ts'
import { createModels, type Models } from './models.ts'
import type { NewVersion } from './origin.ts'
import { recordWhole, type RegistryTx } from './record.ts'
import { createRegistration } from './register.ts'
import { modelUriIn } from './source.ts'
import type { RegistryReads, RegistryWrites } from './store.ts'
import { createVersions, versionOf, type Versions } from './versions.ts'
import { Problem } from '#base/problem'

export interface Registry {
  readonly models: Models
  readonly versions: Versions
  readonly aliases: Aliases
  /** Takes back what was deleted, by the ledger entry that tells of the deletion. */
  readonly restore: RegistryBin['restore']
  /** What other registries kept. */
  readonly intake: RegistryIntake
  /** What all of it was at any moment. */
  readonly history: RegistryHistory
  /** Registers the next version of a model that is there. Throws `invalid` for a source that is not what it seems. */
  registerVersion(by: Author, version: NewVersion): Promise<ModelVersion>
  /** The version that `models:/name@alias`, `models:/name/3`, `…/latest` or `…/Production` means now. */
  resolve(uri: string): Promise<ModelVersion>
  /** Moves an alias in a transaction of the caller, who answers for its being allowed. */
  moveAlias(tx: RegistryTx, by: Author, move: AliasMove): Promise<void>
  /** Begins the history of a model that the caller's transaction put there by its own means, with the fact that tells of it. */
  recordWhole(tx: RegistryTx, by: Author, model: string, fact: Fact): Promise<void>
  /** The files of a version as they were when it was registered; their bytes are in the object store. */
  files(model: string, version: number): Promise<ArtifactFile[]>
}

export function createRegistry(dependencies: {
  read: RegistryReads
  transact: Transact<{ registry: RegistryWrites; tracking: TrackingWrites }>
  tracking: Tracking
  objects: ObjectStore
  describe: DescribeModel
  guard: AliasGuard
  clock: Clock
}): Registry {
  const { read, objects } = dependencies
  const versions = createVersions(dependencies)
  const resolve = (uri: string) => resolved(read, uri)
  return {
    models: createModels(dependencies),
    versions,
    aliases: createAliases(dependencies),
    registerVersion: createRegistration({
      ...dependencies,
      resolve,
      openObject: (digest) => objects.open(digest),
    }),
    resolve,
    intake: createRegistryIntake({
      ...dependencies,
      openObject: (digest) => objects.open(digest),
    }),
    restore: createRegistryBin(dependencies).restore,
    moveAlias,
    recordWhole,
    history: createHistory({ read }),
    files: (model, version) => versions.files(model, version),
  }
}

async function resolved(read: RegistryReads, uri: string): Promise<ModelVersion> {
  const named = modelUriIn(uri)
  if ('alias' in named) {
    const version = await read.findVersionByAlias(named.model, named.alias)
    if (version !== undefined) return version
    if ((await read.findModel(named.model)) === undefined) throw modelNotFound(named.model)
    throw new Problem('not-found', `no version of ${named.model} has the alias ${named.alias}`)
  }
  if (/^\d+$/.test(named.version)) return versionOf(read, named.model, Number(named.version))
  const newest = await read.newestOfStages([named.model])
  const stage = named.version.toLowerCase() as Stage
  const fitting = newest.filter((each) => stage === ('latest' as string) || each.stage === stage)
  const last = fitting.toSorted((a, b) => b.version - a.version)[0]
  if (last === undefined)
    throw new Problem('not-found', `${uri} means no version; register one or name another`)
  return last
}
