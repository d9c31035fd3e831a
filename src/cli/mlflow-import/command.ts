import { environment } from '#app/settings/environment'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import { serverUrl } from '../client.ts'
import { openSource } from '../mlflow-store/open.ts'
import { showProgress } from '../progress.ts'
import { say } from '../say.ts'
import { importStore } from './import.ts'
import { reportLines } from './report.ts'
import { importTarget } from './target.ts'
import type { Wanted } from './work.ts'

export interface ImportFlags {
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly artifacts: string | undefined
  readonly experiments: string[]
  readonly since: string | undefined
  readonly dryRun: boolean
  readonly verify: 'counts' | 'full' | 'no'
  readonly quiet: boolean
  readonly json?: boolean
}

/** Brings everything of an MLflow store to the server. */
export async function importFromMlflow(from: string, flags: ImportFlags): Promise<void> {
  const wanted: Wanted = {
    experiments: flags.experiments,
    sinceMs: timeIn(flags.since),
    dryRun: flags.dryRun,
    counting: flags.verify !== 'no',
  }
  const source = openSource(from, flags.artifacts, environment)
  const target = importTarget(await targetUrl(flags), source.name)
  if (source.name === target.url)
    throw new Problem(
      'invalid',
      `${target.url} is the server to import into; name another to read from`,
    )
  const progress = showProgress('runs and models', flags)
  const world = { wanted, progress, nowMs: () => systemClock.nowMs() }
  try {
    const report = await importStore(source, target, world)
    if (flags.verify === 'full' && !wanted.dryRun) {
      const { compareStores } = await import('./verify.ts')
      await compareStores(source, target, { report, wanted })
    }
    progress.end()
    say(flags, report, reportLines(report))
    if (report.differences.length > 0) process.exitCode = 1
  } finally {
    progress.end()
    source.close()
  }
}

/** MLFLOW_TRACKING_URI may well name the server that they come from, so it is not taken for this one. */
function targetUrl(flags: { url?: string | undefined; home?: string | undefined }) {
  const { MLFLOW_TRACKING_URI: _, ...rest } = environment
  return serverUrl(flags, rest)
}

function timeIn(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new Problem(
      'invalid',
      `${JSON.stringify(text)} is no time; write it like 2024-05-01 or 2024-05-01T12:00:00Z`,
    )
  return ms
}
