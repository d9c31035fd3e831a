import type { FeatureVerdict } from '#drift'
import type { MonitorConfig } from '#projects'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import type { Condition } from '../alerts/findings.ts'
import { driftedFeatures, type Window } from '../windows/window.ts'

/**
 * Columns that drift while too few others do for the whole to be alarming: a sensor that is off, an airport that is
 * missing. Told of by column, when it lasts and is more than any window of the reference was off, and only where neither
 * data quality nor the whole tells of it already.
 */
export function aloneConditions(
  window: Window,
  earlier: readonly Window[],
  of: { monitor: MonitorConfig; whole: Condition },
): Condition[] {
  const { columns, persistence } = of.monitor.drift
  if (columns === false) return []
  const windows = sameVersion(window, earlier)
  // Those that are farthest now come first: they are told of first.
  const names = new Set([
    ...driftedFeatures(window.drift).map(({ feature }) => feature),
    ...windows.flatMap(({ drift }) => (drift.state === 'judged' ? drift.drifted : [])),
  ])
  return [...names].map((subject): Condition => {
    const flags = windows.map((each) => hasDrifted(verdictIn(each, subject)))
    const detail = `${wordsOf(subject, verdictIn(window, subject))}, ${lasting(persistence)}`
    const found = lastingCondition(flags, persistence, { subject, severity: 'warning', detail })
    const isTold = of.whole.state === 'holds' || isBroken(window, subject)
    return found.state === 'holds' && isTold ? { state: 'open', subject } : found
  })
}

function verdictIn({ drift }: Window, name: string): FeatureVerdict | undefined {
  if (drift.state === 'skipped') return undefined
  return drift.features.find(({ feature }) => feature === name)
}

function hasDrifted(found: FeatureVerdict | undefined): boolean | null {
  if (found === undefined || found.state === 'skipped') return null
  // Windows in a row are not independent: a cold week that the reference has seen lies beyond three deviations on each day.
  return found.state === 'drifted' && found.unseen !== false
}

function isBroken({ quality }: Window, name: string): boolean {
  return quality?.state === 'judged' && quality.issues.some(({ column }) => column === name)
}

/** The persistence can hold although this window itself is calm. */
function wordsOf(name: string, found: FeatureVerdict | undefined): string {
  if (found?.state !== 'drifted') return `${name} drifted in windows before`
  const { effect, threshold, measure, missing } = found
  if (effect === null || effect <= threshold)
    return `${name}: the share of missing values is off by ${short(missing.difference)}; ordinary is ${short(missing.threshold)} at most`
  const unit = measure === 'wasserstein' ? 'standard deviations' : 'Jensen–Shannon distance'
  return `${name} lies ${short(effect)} ${unit} from what it is compared with; ordinary is ${short(threshold)} at most`
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)))
}
