import type { PredictionQueries, PredictionRow } from '#serving'
import { judged } from './evidence.ts'
import type { QualityGuard } from './guards.ts'
import type { Rollout } from './rollout.ts'

/** Around a change of weights it is not known by which of them a request was divided. */
const UNSURE_MS = 2000

/** Rows that are read at a time. */
const PAGE_ROWS = 1000

/** The rollout after its predictions were compared with the truths that came in time. */
export async function withTruths(
  rollout: Rollout,
  window: PredictionQueries['window'],
  nowMs: number,
): Promise<Rollout> {
  const guard = qualityGuardOf(rollout)
  if (guard === undefined) return rollout
  const [fromMs, toMs] = [rollout.judgedMs, nowMs - guard.settleMs]
  if (toMs <= fromMs) return rollout
  let seen = rollout
  for (let after: string | undefined; ;) {
    const page = await window(rollout.endpoint, {
      fromMs,
      toMs,
      role: 'live',
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    })
    seen = judgedBy(seen, guard, page.rows)
    if (page.next === null) return { ...seen, judgedMs: toMs }
    after = page.next
  }
}

export function qualityGuardOf({ plan }: Rollout): QualityGuard | undefined {
  return plan.guards.find((guard) => guard.kind === 'quality')
}

/** Each prediction is compared with those that were divided by the same weights. */
export function judgedBy(
  rollout: Rollout,
  guard: QualityGuard,
  rows: readonly PredictionRow[],
): Rollout {
  const batches = new Map<number, { fresh: number[]; old: number[] }>()
  for (const row of rows) {
    const share = shareAt(rollout, row.atMs)
    const loss = lossOf(row, guard)
    if (share === undefined || loss === undefined) continue
    const batch = batches.get(share) ?? { fresh: [], old: [] }
    batches.set(share, batch)
    if (row.revision === rollout.to) batch.fresh.push(loss)
    if (row.revision === rollout.from) batch.old.push(loss)
  }
  let { evidence } = rollout
  for (const [share, { fresh, old }] of batches)
    evidence = judged(evidence, rollout.plan.guards, { share, fresh, old })
  return { ...rollout, evidence }
}

/** By which weights a request was divided; undefined where that is not sure. */
function shareAt({ shares }: Rollout, atMs: number): number | undefined {
  const isUnsure = shares.some(({ sinceMs }) => Math.abs(atMs - sinceMs) < UNSURE_MS)
  if (isUnsure) return undefined
  return shares.findLast(({ sinceMs }) => sinceMs <= atMs)?.share
}

/** What was lost on a prediction, from 0 to 1; undefined without a truth, or with one that cannot be compared. */
function lossOf(
  { outputs, label }: PredictionRow,
  { metric, scale }: QualityGuard,
): number | undefined {
  const said = Object.values(outputs).find((value) => value !== null && typeof value !== 'object')
  if (label === null || said === undefined) return undefined
  if (metric === 'accuracy') return String(said) === String(label) ? 0 : 1
  const distance = Math.abs(Number(said) - Number(label)) / scale
  return Number.isNaN(distance) ? undefined : Math.min(1, distance)
}
