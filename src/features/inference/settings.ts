import type { PythonSettings } from './runtime.ts'

/** How an endpoint is kept in memory and how much may be asked of it. Plain data. */
export type EndpointSettings = {
  /** `pinned`: always loaded. `on-demand`: from its first request until memory is short. */
  readonly keep: 'pinned' | 'on-demand'
  /** It was let go by hand, and answers nothing until it is loaded by hand. */
  readonly unloaded: boolean
  /** Requests that one caller may make, by its sticky key; all without one share theirs. */
  readonly quota: { readonly perSecond: number; readonly burst: number } | null
  /** How models of Python are run; what is left out, the server's settings decide. */
  readonly python?: PythonSettings
}

export const PINNED: EndpointSettings = { keep: 'pinned', unloaded: false, quota: null }
