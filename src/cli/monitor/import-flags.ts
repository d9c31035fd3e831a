export interface ImportFlags {
  readonly endpoint: string
  readonly data: string
  readonly id?: string | undefined
  readonly time?: string | undefined
  readonly key?: string | undefined
  readonly outputs: readonly string[]
  readonly inputs?: readonly string[] | undefined
  readonly label?: string | undefined
  readonly latency?: string | undefined
  readonly version?: string | undefined
  /** Of a profile: when it begins, and how long it is. */
  readonly from?: string | undefined
  readonly span?: string | undefined
  readonly versionColumn?: string | undefined
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}
