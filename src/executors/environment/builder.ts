import type { ProjectLock } from '#data'
import type { PreparedEnvironment } from '#stages'
import type { Built } from './shelf.ts'
import type { EnvironmentSpec } from './spec.ts'
import type { Variables } from './workshop.ts'

export interface EnvironmentOptions {
  readonly spec: EnvironmentSpec
  /** The name that the project gives it. */
  readonly name?: string
  /** The project's folder, and others that its code reads: a container has to be shown them. */
  readonly shown?: readonly string[]
  /** Where built environments are kept, each under its digest. */
  readonly folder: string
  readonly environment: Variables
  /** A lock for the file at this path, against a second builder. */
  readonly lockAt: (file: string) => ProjectLock
  /** Nothing is asked of an index; without it, only where none can be reached. */
  readonly offline?: boolean
  /** Ends processes with this variable: what a builder that was killed has left running. */
  readonly endProcessesWith?: (name: string, value: string) => void
  readonly nowMs: () => number
}

/** One environment, built when it is first asked for. */
export interface EnvironmentBuilder {
  prepare(onProgress: (line: string) => void, signal?: AbortSignal): Promise<PreparedEnvironment>
  /** Its folder and whether it is built; undefined for what has none. */
  find(): Promise<{ key: string; built: Built | undefined } | undefined>
}
