import { posix } from 'node:path'
import {
  differences,
  metricsIn,
  paramsIn,
  plainParam,
  type Difference,
  type LoadedPipelines,
  type ParamValue,
  type ProjectView,
  type StageLock,
} from '#stages'

/** What a run leaves in version control: the files, and what changed in words. */
export interface NewLock {
  /** Files that may be new to Git: locks, and outputs that are not cached. */
  readonly paths: readonly string[]
  readonly message: string
}

const STAGES_NAMED = 3
const LINES_MAX = 100
const VALUE_CHARS_MAX = 200

/** Compares the project as the run leaves it with the commit that it ran at. */
export async function newLock(
  run: { id: string; project: string; overrides: readonly string[] },
  { before, after }: { before: ProjectView; after: ProjectView },
): Promise<NewLock> {
  const [old, now] = [await before.load(), await after.load()]
  const changed = [...now.locks]
    .filter(([stage, lock]) => wordsOf(lock) !== wordsOf(old.locks.get(stage)))
    .map(([stage]) => stage)
  const params = differences(await paramsIn(before), await paramsIn(after), { unchanged: false })
  const metrics = differences(await metricsIn(before), await metricsIn(after), { unchanged: false })
  const parts = [
    titleOf(run, changed),
    section('Stages that changed', changed),
    section('Parameters', linesOf(params)),
    section('Metrics', linesOf(metrics)),
    `Run ${run.id} of ${run.project}`,
  ]
  return { paths: pathsOf(now), message: `${parts.filter((part) => part !== '').join('\n\n')}\n` }
}

function titleOf(
  { id, overrides }: { id: string; overrides: readonly string[] },
  changed: string[],
) {
  const named = changed.slice(0, STAGES_NAMED).join(', ')
  const more = changed.length > STAGES_NAMED ? ` and ${changed.length - STAGES_NAMED} more` : ''
  const where = overrides.length === 0 ? '' : ` with ${overrides.join(' ').slice(0, 60)}`
  return changed.length === 0 ? `Lock of run ${id}` : `Run ${named}${more}${where}`
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  const shown = lines.slice(0, LINES_MAX).map((line) => `  ${line}`)
  const more = lines.length > LINES_MAX ? [`  and ${lines.length - LINES_MAX} more`] : []
  return [`${title}:`, ...shown, ...more].join('\n')
}

function linesOf(found: ReadonlyMap<string, ReadonlyMap<string, Difference>>): string[] {
  return [...found].flatMap(([path, inFile]) =>
    [...inFile].map(
      ([name, { old, new: now }]) => `${path} ${name}: ${shownValue(old)} → ${shownValue(now)}`,
    ),
  )
}

function shownValue(value: ParamValue | undefined): string {
  if (value === undefined) return 'none'
  return JSON.stringify(plainParam(value)).slice(0, VALUE_CHARS_MAX)
}

function pathsOf({ stages, locks }: LoadedPipelines): string[] {
  const files = stages
    .filter(({ address }) => locks.has(address))
    .map(({ file }) => posix.join(posix.dirname(file), 'dvc.lock'))
  const kept = stages.flatMap(({ outs }) =>
    outs.filter(({ cached }) => !cached).map(({ path }) => path),
  )
  return [...new Set([...files, ...kept])]
}

/** Everything that makes one entry of a lock differ from another. */
function wordsOf(lock: StageLock | undefined): string {
  return JSON.stringify(lock, (_, value: unknown) =>
    value instanceof Map ? [...value] : typeof value === 'bigint' ? String(value) : value,
  )
}
