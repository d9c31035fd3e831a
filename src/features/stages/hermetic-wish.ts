/** How a stage is kept to what it declares: it sees nothing else, or it is told of what else it looked at. */
export type Watch = 'strict' | 'observe'

/** `possible` is as strict as the machine allows. */
export type WatchWish = Watch | 'possible' | 'off'

/** What `meta.hermetic` of a stage says. */
export interface HermeticWish {
  /** Left open, it is as the run or the project wants it. */
  readonly watch: Watch | 'off' | undefined
  /** More that it may read, as deps are written: other data of the machine, a tool's own files. */
  readonly allow: readonly string[]
  readonly network: boolean
  /** Names of the user's variables that it needs. */
  readonly variables: readonly string[]
}
