import type {
  EndpointTable,
  Journal,
  LocalPlane,
  Placed,
  Pulse,
  Recent,
  Repository,
  Row,
  Standing,
  Statistics,
  Traffic,
} from '#inference'
import type { Counted } from '#usage'
import type { Family } from '#protocols/prometheus/index'
import type { Config } from '../settings/config.ts'
import type { ChannelExplain } from './explanations.ts'

/** What the plane has to know of the server's settings; it never reaches the database. */
export type PlaneSettings = Omit<Config, 'database'>

/** What the process of a loaded revision takes; a shared one is told with each of those that share it. */
export interface MemoryOf {
  readonly endpoint: string
  readonly revision: number
  readonly bytes: number
}

/** Where the plane listens. */
export interface Addresses {
  readonly port: number
  readonly grpcPort: number
}

/** What the server asks its plane for. */
export type PlaneCalls = Pick<
  LocalPlane,
  'prepare' | 'discard' | 'tell' | 'forget' | 'complete' | 'predict' | 'describe' | 'drain'
> &
  ChannelExplain & {
    /** The first call: it listens where it did before, or else where the settings say. */
    begin(
      settings: PlaneSettings,
      before: Addresses | undefined,
      tables: readonly EndpointTable[],
    ): Promise<Addresses>
    score(placed: Placed, rows: readonly Row[]): ReturnType<LocalPlane['score']>
    statistics(endpoint?: string): Statistics[]
    traffic(): Promise<Traffic[]>
    recent(endpoint: string): Recent
    memory(): Promise<MemoryOf[]>
    metrics(): Promise<Family[]>
    usage(): Promise<Counted>
    ping(): void
    /** Is not ready from now on, answers what is open, and ends its models. */
    stop(): Promise<void>
  }

/** What the plane asks its server for. */
export type ServerCalls = Pick<Journal, 'findBatch'> &
  Pick<Repository, keyof Repository> & {
    stand(standings: readonly Standing[]): void
    restarted(endpoint: string, reason: string): void
    /** How requests ended at endpoints that several revisions answer. */
    pulse(pulses: readonly Pulse[]): void
  }
