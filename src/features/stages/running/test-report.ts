import { posix } from 'node:path'
import type { Stage } from '../stage.ts'

/** One test that a stage ran, as its report tells of it. */
export interface TestCase {
  readonly suite: string
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped'
  readonly seconds: number
  /** Why it did not pass; null where nothing was said. */
  readonly message: string | null
  /** What it left behind of the failure: a trace of calls. */
  readonly detail: string | null
}

/** Reads reports of tests. A file that is none, or is not there, is told of and left out. */
export interface TestReports {
  read(paths: readonly string[]): Promise<{ cases: TestCase[]; complaints: string[] }>
}

/** Where a stage writes reports of tests: as its `meta.junit` says, or else its outputs that are XML. */
export function reportPaths({ junit, wdir, outs }: Stage): string[] {
  if (junit === '') return []
  if (junit !== undefined) return [posix.normalize(posix.join(wdir, junit))]
  return outs.filter(({ path }) => path.endsWith('.xml')).map(({ path }) => path)
}
