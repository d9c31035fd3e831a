/** A webhook as the REST API and the page tell it; its secret is told by nobody. */
export interface WebhookWire {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly url: string
  /** `standard`, `mlflow`, `openlineage`, or that of a destination of alerts. */
  readonly dialect: string
  readonly events: readonly string[]
  readonly subject: string | null
  readonly enabled: boolean
  readonly disabledBecause: string | null
  /** Failures since its receiver last took a message. */
  readonly failures: number
  readonly failingSince: string | null
  readonly created: string
  readonly updated: string
}

/** One message to a webhook and what became of it. */
export interface DeliveryWire {
  readonly id: string
  readonly webhook: string
  readonly event: string
  readonly position: number | null
  readonly state: 'waiting' | 'delivered' | 'failed' | 'cancelled'
  readonly attempts: number
  readonly created: string
  /** When it was last tried. */
  readonly last: string | null
  /** When it is tried next. */
  readonly next: string | null
  readonly status: number | null
  /** The beginning of the answer. */
  readonly response: string | null
  readonly error: string | null
}
