export type Role = 'live' | 'shadow'

/** One model version at an endpoint in one role, from one rollout on; it never changes. */
export interface Revision {
  readonly endpoint: string
  /** Counts from 1 at each endpoint. */
  readonly number: number
  readonly role: Role
  readonly model: string
  readonly version: number
  readonly digest: string
  readonly createdMs: number
}
