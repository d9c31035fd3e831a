export {
  alertProblems,
  type AlertDestination,
  type AlertLabel,
  type AlertRoute,
  type AlertsConfig,
} from './alert-config.ts'
export { durationMs, durationPattern } from './config-words.ts'
export { dataChoices, dataProblems, isInside, type DataChoice } from './data-choice.ts'
export { environmentProblems, type EnvironmentConfig } from './environment-config.ts'
export {
  triggersOf,
  type CronSchedule,
  type HookConfig,
  type PolicyConfig,
  type Trigger,
  type TriggerOf,
} from './policy-config.ts'
export type { MonitorConfig, ReferenceDataConfig } from './monitor-config.ts'
export { monitorIn } from './monitor-in.ts'
export { nextTick, scheduleFault, ticksBetween } from './schedule.ts'
export {
  ProjectConfigSchema,
  withDefaults,
  modelUriPattern,
  type BetterThanCheckConfig,
  type CheckConfig,
  type EndpointConfig,
  type ExperimentConfig,
  LimitsSchema,
  type KeepConfig,
  type LimitsConfig,
  type LogConfig,
  type MetricCheckConfig,
  type ReplayCheckConfig,
  type RolloutConfig,
  type ProjectConfig,
} from './config.ts'
export {
  addressOf,
  commitRef,
  datasetVersionRef,
  type Project,
  type Snapshot,
  type TrackedData,
} from './project.ts'
export { createProjects, type Projects } from './projects.ts'
export type { Clones, ProjectReads, ProjectWrites } from './store.ts'
