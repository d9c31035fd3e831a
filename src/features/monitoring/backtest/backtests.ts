import { Problem } from '#base/problem'
import type { MonitorConfig } from '#projects'
import type { PredictionQueries } from '#serving'
import { monitorProblems } from '../references/promises.ts'
import type { MonitoringReads } from '../store.ts'
import type { Sources } from '../windows/view.ts'
import { backtest, type Backtest } from './backtest.ts'
import type { Since } from './sources.ts'

/** Tries a rule on what has been; without one, the rule that runs. Throws `invalid` for a rule that cannot be. */
export type TryRule = (
  endpoint: string,
  of: { since: Since; monitor?: MonitorConfig },
) => Promise<Backtest>

export function createBacktests(
  { read, predictions }: { read: MonitoringReads; predictions: PredictionQueries },
  ask: {
    /** Throws `not-found`. */
    monitorAt: (endpoint: string) => Promise<MonitorConfig>
    sourcesOf: (endpoint: string, monitor: MonitorConfig) => Pick<Sources, 'reference'>
  },
): TryRule {
  return async (endpoint, { since, monitor: proposed }) => {
    const running = await ask.monitorAt(endpoint)
    const monitor = proposed ?? running
    const problems = monitorProblems(monitor)
    if (problems.length > 0) throw new Problem('invalid', problems.join('; '))
    const { reference } = ask.sourcesOf(endpoint, monitor)
    return backtest({ endpoint, monitor, running, read, predictions, since, reference })
  }
}
