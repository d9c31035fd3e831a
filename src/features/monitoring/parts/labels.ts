import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import type { LabelsVerdict } from './verdicts.ts'
import { windowRef, type Window } from '../windows/window.ts'

/** Without labels nobody knows how good the answers are, and nothing else tells of it. */
export const labels: Part = {
  kind: 'labels',
  due: 'settled',
  judge: async (view) => ({ labels: await labelsIn(view) }),
  withoutRows: (reason) => ({ labels: { state: 'skipped', reason } }),
  again: ({ labels: kept, predictions, profiled = 0 }, { min_samples: least }) => {
    const rows = predictions - profiled
    return kept?.state === 'counted' && rows < least
      ? { labels: { state: 'skipped', reason: `${rows} predictions are fewer than ${least}` } }
      : {}
  },
  lookback: () => 0,
  conditions: (window) => [conditionOf(window)],
  finding: (window, { detail }, { task }) => ({
    type: 'labels-stopped',
    data: { endpoint: window.endpoint, window: windowRef(window).id, detail },
    eventMs: task.dueMs,
  }),
}

/** Windows that say what is usual, and how many of them it takes. */
const USUAL = 8
const USUAL_MIN = 5
/** Where labels are rarer than this it is no wonder that none comes. */
const SHARE_MIN = 0.1
/** Less than this part of the least that is usual. */
const PART_MAX = 0.5

const WEEK_MS = 7 * 24 * 3_600_000

async function labelsIn(view: View): Promise<LabelsVerdict> {
  const known = view.found.labels
  if (known?.state === 'counted') return known
  const rows = await view.rows()
  if (rows.length < view.monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${rows.length} predictions are fewer than ${view.monitor.min_samples}`,
    }
  const share = rows.filter(({ label }) => label !== null).length / rows.length
  const usual = usualOf(await view.earlier(USUAL))
  const week = (await view.at(view.span.fromMs - WEEK_MS))?.labels
  return { state: 'counted', share, usual, stopped: hasStopped({ share, usual, week }) }
}

/** Of windows in which labels came; what has stopped does not become what is usual. */
function usualOf(earlier: readonly Window[]): number | null {
  const counted = earlier.flatMap(({ labels: each }) => (each?.state === 'counted' ? [each] : []))
  const sound = counted.filter(({ stopped }) => !stopped)
  if (sound.length >= USUAL_MIN) return Math.min(...sound.map(({ share }) => share))
  return counted.at(-1)?.usual ?? null
}

/** Far fewer than in any window before, and not because it is so on this day of the week. */
function hasStopped(found: {
  share: number
  usual: number | null
  week: LabelsVerdict | undefined
}): boolean {
  const { share, usual, week } = found
  if (usual === null || usual < SHARE_MIN || share >= PART_MAX * usual) return false
  if (week?.state !== 'counted') return false
  return week.stopped || share < PART_MAX * week.share
}

function conditionOf({ labels: found }: Window): Condition {
  if (found?.state !== 'counted' || found.usual === null) return { state: 'open', subject: '' }
  if (!found.stopped) return { state: 'over', subject: '' }
  const detail = `${percent(found.share)} of the predictions have a label; in the windows before, at least ${percent(found.usual)} had`
  return { state: 'holds', subject: '', severity: 'warning', detail }
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`
}
