export { createRegistry, type Registry } from './registry.ts'
export type { BinReads, BinWrites, KeptAside } from './bin-store.ts'
export type { AliasGuard, AliasMove, Aliases } from './aliases.ts'
export {
  allHeld,
  CHANGE_KINDS,
  type Author,
  type ChangeKind,
  type SlotChange,
  type VersionOrigin,
} from './change.ts'
export type { HistoryReads, HistoryWrites, KeptChange, Life } from './history-store.ts'
export type { HistoryPage, ModelThen, RegistryHistory } from './history.ts'
export type { RegistryTx } from './record.ts'
export {
  NO_DESCRIPTION,
  type ColumnSpec,
  type DescribeModel,
  type ExampleRows,
  type ExampleValue,
  type FieldSpec,
  type ModelDescription,
  type NestedSpec,
  type ParamSpec,
  type ScalarType,
  type TensorSpec,
} from './description.ts'
export {
  modelVersionRef,
  PROMPT_TAG,
  type ModelVersion,
  type RegisteredModel,
  type Stage,
  type StoredVersion,
} from './model.ts'
export type { GivenModel, GivenVersion, ModelTaken, RegistryIntake } from './intake.ts'
export { CONVERT_TAG } from './names.ts'
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
  VersionField,
  VersionSearch,
} from './store.ts'
