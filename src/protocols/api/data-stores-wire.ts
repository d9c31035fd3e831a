/** A data store as the REST API tells it. */
export interface DataStoreWire {
  readonly id: string
  readonly name: string
  /** Where it is a remote of DVC, below the server's address. */
  readonly path: string
  /** Who may come without a token: nobody, or (`open`) whoever calls from the server's own machine. */
  readonly access: 'tokens' | 'open'
  readonly quotaBytes: number | null
  readonly usedBytes: number
  readonly objects: number
  readonly created: string
}

/** A token of a data store; its secret is told once, when it is made. */
export interface StoreTokenWire {
  readonly id: string
  readonly name: string
  readonly access: 'read' | 'write'
  readonly created: string
}
