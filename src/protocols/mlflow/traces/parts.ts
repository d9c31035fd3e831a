import type { Actor } from '#ledger'
import type { Traces } from '#traces'

export interface TraceParts {
  readonly traces: Traces
  readonly actor: Actor
}
