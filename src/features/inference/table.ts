import type { MonitorConfig } from '#projects'
import type { LogPolicy } from './log-policy.ts'
import type { Labels, ServableModel } from './model-source.ts'
import type { Revision } from './revision.ts'
import type { RoutingTable } from './routing/routing.ts'
import type { PlacedFiles } from './runtime.ts'
import type { EndpointSettings } from './settings.ts'

/** A model version whose files lie on this machine. */
export interface Placed {
  readonly servable: ServableModel
  readonly files: PlacedFiles
}

export interface PlacedRevision extends Placed {
  readonly revision: Revision
}

/**
 * All that has to be known to answer at an endpoint: plain data, for it crosses to the process that answers. It is
 * replaced as a whole.
 */
export interface EndpointTable {
  readonly name: string
  readonly monitor: MonitorConfig | null
  /** How its predictions are logged; all of them, whole, if it does not say. */
  readonly log?: LogPolicy | null
  /** Without revisions before the first rollout. */
  readonly routing: RoutingTable
  /** All that the routing names. */
  readonly revisions: readonly PlacedRevision[]
  /** Pinned if it does not say. */
  readonly settings?: EndpointSettings | null
  /** Aliases of the registered model. */
  readonly labels: Labels
  /** Why the newest rollout did not come about. */
  readonly failure: string | null
  /** Why the files of what answers are not there yet; they are fetched until they are. */
  readonly awaiting?: string
}
