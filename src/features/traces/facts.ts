import type { Fact } from '#ledger'

/** Which traces a fact names; more are only counted. */
const NAMED_MAX = 100

/** Traces are telemetry and no facts; that somebody made them disappear is one. */
export function tracesDeleted(experimentId: string, traceIds: readonly string[]): Fact {
  return {
    type: 'traces-deleted',
    data: {
      experiment: experimentId,
      traces: traceIds.length,
      named: traceIds.slice(0, NAMED_MAX),
    },
  }
}
