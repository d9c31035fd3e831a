import type { Readable } from 'node:stream'
import type { Out } from '#data'
import type { ParamMap } from './param.ts'
import type { EnvironmentRecord } from './recorder.ts'
import type { Watch } from './hermetic-wish.ts'
import type { Seen, Sight } from './running/sight.ts'
import type { Stage, StageLock } from './stage.ts'

/** The project's pipelines as its files have them. */
export interface PipelineFiles {
  load(): Promise<LoadedPipelines>
  /** Writes one stage's entry into the lock beside its file, whole or not at all. A new one comes before others at the end whose stages, named as in the file, are later. */
  saveLock(stage: Stage, lock: StageLock, isLater?: (name: string) => boolean): Promise<void>
  /** SHA-256 of all locks, null where there is none. */
  lockDigest(): Promise<string | null>
  /** Values of a file of parameters or metrics; undefined where there is none. Throws a `Problem` when it cannot be read. */
  values(path: string): Promise<ParamMap | undefined>
  /** The version of a dataset that the project is at; undefined where none is declared, or declared and not locked. */
  dataset(name: string): Promise<ParamMap | undefined>
}

export interface LoadedPipelines {
  readonly stages: readonly Stage[]
  /** By a stage's address. */
  readonly locks: ReadonlyMap<string, StageLock>
  /** Outs of `.dvc` files. */
  readonly tracked: readonly Out[]
  /** What is wrong with a file, or with one stage of it. */
  readonly problems: readonly FileProblem[]
  /** Every `dvc.yaml`, also one without stages. */
  readonly pipelineFiles?: readonly string[]
}

export interface FileProblem {
  readonly file: string
  readonly stage: string | undefined
  readonly message: string
}

/** Runs that were seen before, by everything that went into them. */
export interface RunCache {
  /** The newest run with this command, these dependencies and parameters, and outs of these names. */
  find(wanted: StageLock): Promise<StageLock | undefined>
  save(run: StageLock): Promise<void>
}

/** Puts a stage's old outs out of its way, and back when it fails; also after this process was killed. */
export interface OutsAside {
  /** `lockToken` names what the lock says of the stage now. */
  setAside(stage: string, paths: readonly string[], lockToken: string): Promise<Aside>
  /**
   * Ends what a killed process left running and puts back what it set aside, unless the stage had
   * finished, which its new lock shows. Gives the stages that were undone.
   */
  recover(lockTokenOf: (stage: string) => string): Promise<string[]>
}

export interface Aside {
  /** The stage finished: what it replaced is dropped. */
  drop(): Promise<void>
  /** The stage failed: what it left goes, what was there comes back. */
  putBack(): Promise<void>
  /** Notes the process that works on the outs. */
  runningAs(pid: number): void
}

export interface Executor {
  run(step: ExecutionStep): Promise<Execution>
}

export interface ExecutionStep {
  /** One after the other, until one fails. */
  readonly commands: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** Left out for commands that may see all that there is. */
  readonly sight?: Sight
  readonly signal?: AbortSignal
  /** What its commands read from their standard input; left out where there is none. */
  readonly input?: Readable
  readonly onOutput: (text: string) => void
  readonly onStart: (pid: number) => void
}

/** How it ended, and what was seen of it where its sight was told. */
export type Execution = ExecutionEnd & { readonly seen?: Seen }

type ExecutionEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly command: string; readonly code: number }
  | { readonly kind: 'killed'; readonly command: string; readonly signal: string }
  | { readonly kind: 'timed-out'; readonly command: string; readonly afterMs: number }
  | { readonly kind: 'cancelled' }

/** The place that one step's commands run in when they may see only part of what there is. */
export interface Enclosure {
  /** The words that run these words inside. */
  words(inner: readonly string[]): string[]
  /** All variables of its processes. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Brings out what the commands made, clears up, and tells what was seen. */
  end(): Promise<Seen>
}

/** What keeps stages to what they declare. */
export interface Enclosures {
  /** What the project wants of stages that say nothing of it. */
  wish(): Promise<Watch | undefined>
  /** What this machine can; where it cannot, why and what would help. */
  can(watch: Watch): Promise<{ readonly can: boolean; readonly reason: string | null }>
  /** What was followed and found clean before, by the digests of what could make it look at other things. */
  readonly followed?: {
    has(definition: string): Promise<boolean>
    add(definition: string): Promise<void>
    remove(definition: string): Promise<void>
  }
}

/** Where stages find their programs. */
export interface Environments {
  /** Builds an environment that the project declares, once, or finds it built; the project's own where no name is given. */
  prepare(
    name: string | undefined,
    onProgress: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<PreparedEnvironment>
  /** Variables that whoever runs stages has set: they win over what is pinned. */
  readonly own?: Readonly<Record<string, string | undefined>>
}

export interface PreparedEnvironment {
  /** Variables for processes that run in it. */
  readonly variables: Readonly<Record<string, string>>
  /** Null for whatever the machine has. */
  readonly record: EnvironmentRecord | null
  /** The command that runs another one inside, where that needs more than variables; `folder` is relative to the project. */
  readonly wrapped?: (
    command: string,
    at: { readonly folder: string; readonly variables: readonly string[] },
  ) => string
}
