export { bulkSender } from './bulk.ts'
export { ecsOf, type EcsDocument } from './ecs.ts'
