import { createLineage } from '#lineage'
import { reportOf, type Monitoring } from '#monitoring'
import type { ReportParts } from '#protocols/api/reports'
import type { Serving } from '#serving'
import type { Ground } from '../ground.ts'
import { CHANGES, happeningsIn } from './happenings.ts'

/** What people and policies do about what is found, beside what changes answers. */
const DOINGS = [
  ...CHANGES,
  'alert-acknowledged',
  'policy-fired',
  'policy-queued',
  'policy-run-finished',
  'policy-skipped',
  'promotion-requested',
  'rollout-aborted',
  'rollout-rolled-back',
  'rollout-undone',
  'silence-added',
]

export function reportsOf(
  { store, clock }: Pick<Ground, 'store' | 'clock'>,
  { monitoring, serving }: { monitoring: Monitoring; serving: Serving },
): ReportParts {
  const doings = happeningsIn({
    types: DOINGS,
    read: store.read.ledger,
    lineage: createLineage({ read: store.read.ledger }),
    upstream: store.read,
    find: async (name) => (await serving.endpoints.list()).find((each) => each.name === name),
  })
  return {
    report: (endpoint, since) => reportOf(monitoring, { endpoint, since, doings }),
    nowMs: () => clock.nowMs(),
  }
}
