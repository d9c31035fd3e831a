import type { LoggedRevision } from './journal.ts'
import type { Deployed } from './models/deployment.ts'
import type { RouteReason } from './routing/routing.ts'
import type { EndpointTable } from './table.ts'

/** What answers a request, held until it is released. */
export interface Taken {
  readonly table: EndpointTable
  readonly live: Deployed
  readonly reason: RouteReason
  /** Shadows that say what the live revision says. */
  readonly echoes: readonly LoggedRevision[]
  /** Shadows that are asked as well. */
  readonly shadows: readonly Deployed[]
}
