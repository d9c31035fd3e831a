import type { ArtifactFile, KeyValue, Placed, Search, Tagged } from '#tracking'
import type { BinReads, BinWrites } from './bin-store.ts'
import type { HistoryReads, HistoryWrites } from './history-store.ts'
import type { ModelVersion, RegisteredModel, StoredVersion } from './model.ts'

export type ModelField =
  | Tagged
  | { readonly of: 'attribute'; readonly name: 'name' | 'createdMs' | 'updatedMs' }

export type VersionField =
  | Tagged
  | {
      readonly of: 'attribute'
      readonly name: 'model' | 'version' | 'runId' | 'source' | 'createdMs' | 'updatedMs'
    }

/** Prompts are kept among the models; a search says which of the two it means. */
export type Kind = 'model' | 'prompt'

export interface ModelSearch extends Search<ModelField> {
  readonly kind: Kind
}

export interface VersionSearch extends Search<VersionField> {
  readonly kind: Kind
}

export interface RegistryReads extends HistoryReads, BinReads {
  findModel(name: string): Promise<RegisteredModel | undefined>
  /** By name unless another order is asked for; one more than the limit, if there is one. */
  searchModels(search: ModelSearch): Promise<Placed<RegisteredModel>[]>
  findVersion(model: string, version: number): Promise<ModelVersion | undefined>
  findVersionByAlias(model: string, alias: string): Promise<ModelVersion | undefined>
  /** The last changed first unless another order is asked for; one more than the limit, if there is one. */
  searchVersions(search: VersionSearch): Promise<Placed<ModelVersion>[]>
  /** The newest version of each stage of each of the models. */
  newestOfStages(models: readonly string[]): Promise<ModelVersion[]>
  /** The files of a version as they were when it was registered, with paths that start at the model's folder. */
  files(model: string, version: number): Promise<ArtifactFile[]>
}

export type StoredModel = Omit<RegisteredModel, 'tags' | 'aliases'>

export interface RegistryWrites extends RegistryReads, HistoryWrites, BinWrites {
  insertModel(model: StoredModel): Promise<void>
  saveModel(model: StoredModel): Promise<void>
  /** Takes versions, tags and aliases along. */
  renameModel(from: string, to: string): Promise<void>
  /** Removes it with versions, tags and aliases. */
  deleteModel(name: string): Promise<void>
  setModelTags(name: string, tags: readonly KeyValue[]): Promise<void>
  deleteModelTag(name: string, key: string): Promise<boolean>

  /** The number after the last one given, whatever became of that version. */
  nextVersion(model: string): Promise<number>
  /** Numbers up to this one are not given again. */
  raiseLastVersion(model: string, version: number): Promise<void>
  insertVersion(version: StoredVersion, files: readonly ArtifactFile[]): Promise<void>
  saveVersion(version: StoredVersion): Promise<void>
  /** Removes it with its tags and aliases. */
  deleteVersion(model: string, version: number): Promise<void>
  setVersionTags(model: string, version: number, tags: readonly KeyValue[]): Promise<void>
  deleteVersionTag(model: string, version: number, key: string): Promise<boolean>

  setAlias(model: string, alias: string, version: number): Promise<void>
  deleteAlias(model: string, alias: string): Promise<void>
}
