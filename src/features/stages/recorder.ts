import type { DataRef } from '#data'
import type { Json } from '#base/json'
import type { StageChecks } from './running/verdict.ts'
import type { TestCase } from './running/test-report.ts'
import type { Pinned } from './running/pinned.ts'
import type { RecordedFile } from './plots/recorded.ts'
import type { SightReport } from './running/sight.ts'

/**
 * Where stage runs are written down, so that each is a run that people can compare. Every call may be
 * made again after a failure, with the same content, and must then change nothing.
 */
export interface RunRecorder {
  pipelineStarted(start: {
    readonly project: string
    readonly commit: string | null
    readonly dirty: boolean
    readonly branch: string | null
    readonly stages: readonly string[]
  }): Promise<{ pipelineRunId: string }>
  stageStarted(start: {
    readonly pipelineRunId: string
    readonly stage: string
    readonly command: string | readonly string[]
    readonly params: Readonly<Record<string, Json>>
    readonly deps: readonly DataRef[]
    readonly environment: EnvironmentRecord | null
    /** Why it runs, each reason with old and new. */
    readonly why?: readonly string[]
    /** Name of the experiment that it is part of. */
    readonly experiment?: string
    /** Left out where no contract is about what it reads. */
    readonly checks?: StageChecks
    /** What was held still so that its bytes repeat. */
    readonly pinned?: Pinned
  }): Promise<{
    runId: string
    /** Variables for the stage's process. */
    environment: Readonly<Record<string, string>>
  }>
  /** What a stage prints, as it prints it. Never throws, and keeps nobody waiting; left out by those who keep only the end. */
  stageSaid?(said: {
    readonly pipelineRunId: string
    readonly stage: string
    readonly text: string
  }): void
  /** Files that show what a stage did, told before its end. Left out by those who keep no files. */
  stageDrew?(drawn: {
    readonly pipelineRunId: string
    readonly stage: string
    readonly runId: string
    readonly files: readonly RecordedFile[]
  }): Promise<void>
  stageFinished(end: {
    readonly pipelineRunId: string
    readonly stage: string
    readonly runId: string
    readonly outcome: StageOutcome
    readonly reason: string | null
    readonly outs: readonly DataRef[]
    readonly metrics: Readonly<Record<string, number>>
    readonly logTail: string
    /** Left out where it reports no tests. */
    readonly tests?: readonly TestCase[]
    /** Of a stage that was to be kept to what it declares. */
    readonly sight?: SightReport
  }): Promise<void>
  stageSkipped(skip: {
    readonly pipelineRunId: string
    readonly stage: string
    readonly why: 'up-to-date' | 'restored'
    readonly reason: string
    readonly outs: readonly DataRef[]
  }): Promise<void>
  pipelineFinished(end: {
    readonly pipelineRunId: string
    readonly outcome: StageOutcome
    readonly reason: string | null
    readonly lockDigest: string | null
  }): Promise<void>
}

export type StageOutcome = 'succeeded' | 'failed' | 'killed'

/** What a stage ran in. The digest is that of the lock's text, so the same digest is the same environment. */
export interface EnvironmentRecord {
  readonly digest: string
  /** Every package with its version, one a line. */
  readonly lock: string
  readonly python: string
  readonly os: string
  readonly cpu: string
  /** The name that the project gives it; left out for the project's own. */
  readonly name?: string
  /** What it was made from: requirements, uv.lock, pyproject, conda lock or image. */
  readonly kind?: string
  /** The file, or the image, that says what is in it. */
  readonly source?: string
  /** Names its folder: what was asked for, the Python and the platform. */
  readonly key?: string
  /** Processors that it found. */
  readonly cpus?: number
  /** What of the processor changes sums: its vector units. */
  readonly cpuFlags?: readonly string[]
  readonly glibc?: string
  /** What numpy multiplies matrices with. */
  readonly blas?: string
}

/** For runs that nobody records. */
export const noRecorder: RunRecorder = {
  pipelineStarted: async () => ({ pipelineRunId: '' }),
  stageStarted: async () => ({ runId: '', environment: {} }),
  stageFinished: async () => {},
  stageSkipped: async () => {},
  pipelineFinished: async () => {},
}
