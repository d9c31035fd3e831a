export { createReplicas, type Replicas, type ShownReplica } from './replicas.ts'
export type { Lead, Presence, Replica, ReplicaReads, ReplicaWrites } from './store.ts'
