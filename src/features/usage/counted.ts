import type { LoadedRevision, Measured } from '#inference'

/** What was counted where predictions are answered, since its process began. */
export interface Counted extends Pick<Measured, 'requests' | 'runs' | 'errors'> {
  /** Another one each time the process begins anew, with counters at 0. */
  readonly life: string
  /** What revisions were asked and did not answer. */
  readonly failed: readonly {
    readonly endpoint: string
    readonly revision: number
    readonly modelVersion: string
    readonly count: number
  }[]
  readonly loaded: readonly Pick<LoadedRevision, 'endpoint' | 'revision' | 'modelVersion' | 'pid'>[]
  /** The processes that models run in. */
  readonly processes: readonly ProcessCounted[]
  /** Processor time of the process that takes the requests. */
  readonly cpuSeconds: number
  readonly host: { readonly processors: number; readonly busySeconds: number }
}

export interface ProcessCounted {
  readonly pid: number
  /** Null where the operating system does not say. */
  readonly cpuSeconds: number | null
  readonly memoryBytes: number
}

/** What was counted at a moment, on a clock that only goes forward. */
export interface Look {
  readonly counted: Counted
  readonly atMs: number
}
