import type { Condition, ExperimentField, LoggedModelField, Order, RunField } from '../search.ts'
import { experimentTerms, loggedModelTerms, runTerms } from './terms.ts'
import { parseFilter, parseOrder } from './vocabulary.ts'

export type RunFilter = readonly Condition<RunField>[]
export type ExperimentFilter = readonly Condition<ExperimentField>[]
export type LoggedModelFilter = readonly Condition<LoggedModelField>[]
type Datasets = readonly { readonly name: string; readonly digest?: string }[]

/** Reads a filter such as `metrics.auc > 0.9 AND tags.team = 'air'`. Throws `invalid` with the place that is wrong. */
export function parseRunFilter(text: string | undefined): RunFilter {
  return parseFilter(text, runTerms)
}

/** Reads keys such as `metrics.auc DESC`. Throws `invalid`. */
export function parseRunOrder(keys: readonly string[] | undefined): Order<RunField>[] {
  return parseOrder(keys, runTerms)
}

export function parseExperimentFilter(text: string | undefined): ExperimentFilter {
  return parseFilter(text, experimentTerms)
}

export function parseExperimentOrder(
  keys: readonly string[] | undefined,
): Order<ExperimentField>[] {
  return parseOrder(keys, experimentTerms)
}

/** Metrics count only on the datasets named beside the filter. */
export function parseLoggedModelFilter(
  text: string | undefined,
  datasets: Datasets,
): LoggedModelFilter {
  return parseFilter(text, loggedModelTerms(datasets))
}

export function parseLoggedModelOrder(
  keys: readonly string[] | undefined,
  datasets: Datasets,
): Order<LoggedModelField>[] {
  return parseOrder(keys, loggedModelTerms(datasets))
}
