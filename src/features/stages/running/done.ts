import type { PartsTold } from '../parts/parts.ts'
import type { StageOutcome } from '../recorder.ts'
import type { SightReport } from './sight.ts'
import type { StageLock } from '../stage.ts'
import type { PreparedEnvironment } from '../store.ts'
import type { TestCase } from './test-report.ts'
import type { Watching } from './watching.ts'

/** How a stage is tried. */
export interface Attempt {
  readonly lock: StageLock | undefined
  readonly commands: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly wrapped: PreparedEnvironment['wrapped']
  /** Digest of what it runs in; undefined for whatever the machine has. */
  readonly environment: string | undefined
  readonly watching: Watching | undefined
  readonly onOutput: (text: string) => void
}

/** How that went. */
export interface Done {
  readonly outcome: StageOutcome
  readonly failure: string | null
  readonly tests?: readonly TestCase[]
  /** What the stage wrote; undefined when it failed, and the old outs are back. */
  readonly lock: StageLock | undefined
  /** Of a stage that was to be kept to what it declares. */
  readonly sight?: SightReport
  /** Of a stage that runs by parts. */
  readonly parts?: PartsTold
}
