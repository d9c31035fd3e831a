import type { KeepConfig, LimitsConfig } from '#projects'
import type { PythonSettings } from './runtime.ts'

/** How an endpoint is kept in memory and how much may be asked of it. Plain data. */
export type EndpointSettings = {
  /** `pinned`: always loaded. `on-demand`: from its first request until memory is short. */
  readonly keep: 'pinned' | 'on-demand'
  /** It was let go by hand, and answers nothing until it is loaded by hand. */
  readonly unloaded: boolean
  readonly quota: Quota | null
  /** How long a prediction may take; the server's own limit where that is less. */
  readonly timeoutMs?: number
  /** Calls that may wait for its model at the same time; as many as the process takes without. */
  readonly waitingMax?: number
  /** How models of Python are run; what is left out, the server's settings decide. */
  readonly python?: PythonSettings
}

/** Requests that one caller may make; all that name no caller are counted together. */
export type Quota = {
  readonly perSecond: number
  readonly burst: number
  /** The header that names the caller, in lower case; its sticky key without. */
  readonly by?: string
}

export const PINNED: EndpointSettings = { keep: 'pinned', unloaded: false, quota: null }

/** Settings as a file or a caller of the API says them; `null` where nothing is said. */
export function settingsOf(said: {
  readonly keep?: KeepConfig | undefined
  readonly limits?: LimitsConfig | undefined
  readonly python?: PythonSettings | undefined
}): EndpointSettings | null {
  const { keep, limits, python } = said
  if (keep === undefined && limits === undefined && python === undefined) return null
  return {
    ...PINNED,
    ...(keep === undefined ? {} : { keep }),
    ...(python === undefined ? {} : { python }),
    ...limitsOf(limits ?? {}),
  }
}

/** What is to be otherwise; a limit that is null goes. */
export interface SettingsChange {
  readonly keep?: KeepConfig | undefined
  readonly limits?: { readonly [Name in keyof LimitsConfig]: LimitsConfig[Name] | null } | undefined
}

export function changedSettings(
  { timeoutMs, waitingMax, ...before }: EndpointSettings,
  { keep = before.keep, limits = {} }: SettingsChange,
): EndpointSettings {
  const { timeout_ms: newTimeoutMs = timeoutMs, queue = waitingMax, quota } = limits
  return {
    ...before,
    keep,
    ...(quota === undefined ? {} : { quota: quota === null ? null : quotaOf(quota) }),
    ...(newTimeoutMs === undefined || newTimeoutMs === null ? {} : { timeoutMs: newTimeoutMs }),
    ...(queue === undefined || queue === null ? {} : { waitingMax: queue }),
  }
}

function limitsOf({
  quota,
  timeout_ms: timeoutMs,
  queue: waitingMax,
}: LimitsConfig): Pick<EndpointSettings, 'quota' | 'timeoutMs' | 'waitingMax'> {
  return {
    quota: quota === undefined ? null : quotaOf(quota),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(waitingMax === undefined ? {} : { waitingMax }),
  }
}

function quotaOf({ per_second: perSecond, burst, by }: NonNullable<LimitsConfig['quota']>): Quota {
  return {
    perSecond,
    burst: burst ?? Math.max(1, Math.ceil(perSecond)),
    ...(by === undefined ? {} : { by: by.toLowerCase() }),
  }
}
