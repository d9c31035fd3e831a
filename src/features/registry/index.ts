export { createRegistry, type Registry } from './registry.ts'
export type { AliasGuard, AliasMove, Aliases, RegistryTx } from './aliases.ts'
export {
  NO_DESCRIPTION,
  type ColumnSpec,
  type DescribeModel,
  type ExampleRows,
  type FieldSpec,
  type ModelDescription,
  type TensorSpec,
} from './description.ts'
export {
  modelVersionRef,
  PROMPT_TAG,
  type ModelVersion,
  type RegisteredModel,
  type Stage,
} from './model.ts'
export type { ModelRecord, Models } from './models.ts'
export {
  parseModelFilter,
  parseModelOrder,
  parseVersionFilter,
  parseVersionOrder,
  type RegistryFilter,
} from './filter.ts'
export type { NewVersion } from './origin.ts'
export type { Versions } from './versions.ts'
export type {
  Kind,
  ModelField,
  ModelSearch,
  RegistryReads,
  RegistryWrites,
  StoredModel,
  StoredVersion,
  VersionField,
  VersionSearch,
} from './store.ts'
