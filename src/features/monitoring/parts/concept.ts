import type { Json } from '#base/json'
import type { MonitorConfig } from '#projects'
import type { ConceptDetector, ConceptVerdict, DetectorsState } from '../concept/errors.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import { windowRef, type Window } from '../windows/window.ts'
import { rolesAt } from './performance.ts'

/** Whether what is true came to depend otherwise on what is asked: detectors on the stream of errors, row by row. */
export const concept: Part = {
  kind: 'concept',
  due: 'settled',
  judge: async (view) => ({ concept: await conceptOf(view) }),
  withoutRows: (reason) => ({ concept: { state: 'skipped', reason } }),
  told: ({ concept: found }): Record<string, Json> =>
    found?.state === 'watched'
      ? { conceptDrift: found.drifted, errorRate: found.rate, errorRateBefore: found.rateBefore }
      : { conceptDrift: null },
  lookback: () => CALM,
  conditions: (window, earlier) => {
    const { concept: found } = window
    if (found === undefined || found.state === 'skipped') return 'unjudged'
    return [conditionOf(window, earlier)]
  },
  finding: (window, { detail }, { task }) => {
    const found = window.concept?.state === 'watched' ? window.concept : undefined
    return {
      type: 'concept-drifted',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        detectors:
          found?.detectors.filter(({ drifts }) => drifts > 0).map(({ name }) => name) ?? [],
        rate: found?.rate ?? null,
        rateBefore: found?.rateBefore ?? null,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}

/** ADWIN is the one that is asked of no more than numbers, and told of none in 200,000 even errors. */
const DETECTORS: readonly ConceptDetector[] = ['adwin']

/** After so many windows without a word of a detector the alert is over. */
const CALM = 3

/** The states of detectors are taken from the last of so many windows that the version answered. */
const EARLIER = 20

async function conceptOf(view: View): Promise<ConceptVerdict> {
  const { performance } = view.found
  return view.work('concept', {
    task: performance?.state === 'measured' ? performance.task : undefined,
    roles: await rolesAt(view),
    names: detectorsIn(view.monitor),
    before: await statesBefore(view),
  })
}

function detectorsIn({ concept: said }: MonitorConfig): readonly ConceptDetector[] {
  return said?.detectors ?? DETECTORS
}

/** Where the version's detectors were left; another version starts anew, for its errors are another stream. */
async function statesBefore(view: View): Promise<{ unit: string; kept: DetectorsState }[]> {
  const windows = await view.earlier(EARLIER)
  return windows.flatMap(({ modelVersion, concept: found }) =>
    modelVersion === view.modelVersion && found?.state === 'watched'
      ? [{ unit: found.unit, kept: found.kept }]
      : [],
  )
}

/**
 * It holds in a window in which a detector spoke, and errors were worse than before: getting better is no alarm. A detector
 * speaks once of a change, so it holds in the next windows, too, while errors are as bad: who rested then hears of it.
 */
function conditionOf(window: Window, earlier: readonly Window[]): Condition {
  const subject = ''
  const found = window.concept
  if (found?.state !== 'watched') return { state: 'open', subject }
  const lately = [...earlier, window].slice(-CALM)
  const ofVersion = lately.filter(({ modelVersion }) => modelVersion === window.modelVersion)
  const spoke = wordIn(ofVersion.findLast(worsened))
  if (spoke === undefined) return { state: lately.length === CALM ? 'over' : 'open', subject }
  const { rateBefore, names } = spoke
  if (rateBefore !== null && found.rate <= rateBefore) return { state: 'open', subject }
  const what = found.unit === 'share' ? 'the share of wrong answers' : 'the mean absolute error'
  const from = rateBefore === null ? '' : `, ${digits(rateBefore)} before`
  const detail = `${names.join(', ')}: ${what} is ${digits(found.rate)}${from}`
  return { state: 'holds', subject, severity: 'warning', detail }
}

/** Which detectors spoke in a window, and how often answers were wrong before. */
function wordIn(window: Window | undefined) {
  const found = window?.concept
  if (found?.state !== 'watched') return undefined
  const names = found.detectors.filter(({ drifts }) => drifts > 0).map(({ name }) => name)
  return { names, rateBefore: found.rateBefore }
}

function worsened({ concept: found }: Window): boolean {
  return found?.state === 'watched' && found.drifted && found.rate > (found.rateBefore ?? -Infinity)
}

/** Four digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(4)))
}
