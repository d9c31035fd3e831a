import type { Form } from './wire.ts'

export interface Job {
  readonly url: string
  readonly form: Form
  readonly model: string
  readonly rows: number
  readonly callers: number
  readonly forMs: number
}

export interface Asked extends Pick<Job, 'url' | 'callers'> {
  readonly bodies: readonly Buffer[]
  /** What is said of each body, as lines of HTTP. */
  readonly headers: readonly string[]
}
