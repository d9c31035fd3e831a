import { Problem } from '#base/problem'
import { pathOfUri } from '#tracking'
import type { MlflowSource, SourceExperiment } from '../mlflow-store/source.ts'
import type { Progress } from '../progress.ts'
import type { Report } from './report.ts'
import type { Target } from './target.ts'

export interface Wanted {
  /** Names or numbers; all of them when there are none. */
  readonly experiments: readonly string[]
  /** Only runs that were still going at this time or later. */
  readonly sinceMs: number | null
  readonly dryRun: boolean
  /** Compares counts of what was read with what is here. */
  readonly counting: boolean
}

/** All that the parts of an import share. */
export interface Import {
  readonly source: MlflowSource
  readonly target: Target
  readonly wanted: Wanted
  readonly report: Report
  readonly progress: Progress
  /** Runs that were looked at, when only some are wanted. */
  readonly seen: Set<string>
}

/** An experiment there, and its number here. */
export interface Placed extends SourceExperiment {
  readonly ownId: string
}

export function chosen(
  all: readonly SourceExperiment[],
  wanted: readonly string[],
): readonly SourceExperiment[] {
  if (wanted.length === 0) return all
  const unknown = wanted.filter((one) => !all.some(({ id, name }) => id === one || name === one))
  if (unknown.length > 0)
    throw new Problem(
      'not-found',
      `there is no experiment ${unknown.map((one) => JSON.stringify(one)).join(', ')} there; it has ${all
        .map(({ name }) => JSON.stringify(name))
        .slice(0, 20)
        .join(', ')}`,
    )
  return all.filter(({ id, name }) => wanted.includes(id) || wanted.includes(name))
}

/** Whether an address is of a store that clients reach by themselves, so that files there can stay. */
export function isElsewhere(uri: string): boolean {
  return pathOfUri(uri) === undefined && /^(?!file:)[A-Za-z][\w+.-]+:/.test(uri)
}
