export {
  durationMs,
  MonitorSchema,
  ProjectConfigSchema,
  type CheckConfig,
  type EndpointConfig,
  type MonitorConfig,
  type PolicyConfig,
  type ProjectConfig,
} from './config.ts'
export { datasetVersionRef } from './project.ts'
