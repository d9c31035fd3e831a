/** A thing on the way from an effect to its causes, or the other way. */
export interface StationWire {
  readonly kind: string
  readonly id: string
  readonly depth: number
  /** The edge by which it was reached, with the place in the ledger that says so. */
  readonly via: { readonly relation: string; readonly position: number } | null
  /** When, RFC 3339, and by whom it was purged; left out where it is still there. */
  readonly purged?: { readonly at: string; readonly by: string }
}
