import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import type { Ledger } from '#ledger'
import type { Replicas } from '#replicas'
import type { SharedObjects } from '#retention'
import type { SqlStore } from '#stores/sql/index'
import type { Seal } from '#webhooks'
import type { Config } from './settings/config.ts'
import type { Places } from './home/places.ts'

/** What every feature is made from. */
export interface Ground extends Places {
  readonly config: Config
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly store: SqlStore
  readonly ledger: Ledger
  /** The one way to remove objects while others put. */
  readonly shared: SharedObjects
  /** Keeps secrets unreadable where they are kept. */
  readonly seal: Seal
  /** The server's own address, once it listens. */
  readonly url: () => string
  /** The servers on the same database, and which of them leads. */
  readonly replicas: Replicas
  /** Registers what a stop has to undo; called in reverse order. */
  onStop(step: () => Promise<void> | void): void
}
