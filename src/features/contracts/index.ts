export {
  columnsOf,
  dependsOnTime,
  ruleId,
  strictRule,
  type Column,
  type Contract,
  type Dataset,
  type OtherDataset,
} from './contract.ts'
export { distance, inCommonBins, type Histogram } from './distance.ts'
export { propose, type Proposal, type Proposed, type ProposedColumn } from './infer.ts'
export {
  failuresOf,
  type Check,
  type DatasetReport,
  type Example,
  type Outcome,
  type Report,
} from './report.ts'
export {
  DRIFT_METHODS,
  LOGICAL_TYPES,
  NONE,
  type Bounds,
  type DriftMethod,
  type Limit,
  type LogicalType,
  type Comparison,
  type Plain,
  type Rule,
  type Severity,
  type Test,
  type Unit,
} from './rule.ts'
export { SHAPES } from './shapes.ts'
export { isSlip } from './slips.ts'
export type {
  ColumnFacts,
  Measured,
  OpenTables,
  TableColumn,
  TableEngine,
  TableFacts,
} from './store.ts'
export {
  referenceTable,
  validate,
  type ContractDependencies,
  type ValidateOptions,
} from './validate.ts'
