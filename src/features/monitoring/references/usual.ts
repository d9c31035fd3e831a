import type { ComparedFeature, FeatureVerdict } from '#drift'
import type { Window, WindowDrift } from '../windows/window.ts'

type Judged = Extract<WindowDrift, { state: 'judged' }>

/** Windows of the endpoint's own past that say what is usual for a window. */
export interface Past {
  /** The last window of the same version that was judged. */
  readonly before: Judged | undefined
  /** By each rhythm that the window may follow: windows at the same beat, and windows between the beats. */
  readonly rhythms: readonly { readonly on: readonly Judged[]; readonly off: readonly Judged[] }[]
}

/** So many first windows of a version say what is ordinary where the training data cannot, having no time. */
const FIRSTS = 5
/** Until then only what is as large as this has drifted. */
const GROSS = { wasserstein: 1, 'jensen-shannon': 0.5 } as const
/** A rhythm is known by so many beats. */
const BEATS_MIN = 3

/**
 * Takes back the drift that is usual here: what returns at this hour or on this day of the week and is gone between,
 * and what the first windows of the version showed already where there was no way to learn it from the training data.
 */
export function withUsual(verdict: Judged, past: Past, alertShare: number): Judged {
  const firsts: Record<string, readonly number[]> = {}
  const usual: Record<string, 'season' | 'beginning'> = {}
  const settle = <Each extends FeatureVerdict>(name: string, each: Each): Each => {
    if (each.state === 'skipped') return each
    const known = past.before?.firsts?.[name] ?? []
    if (each.learntFrom === 0 && each.effect !== null)
      firsts[name] = known.length < FIRSTS ? [...known, each.effect] : known
    const why = each.state === 'drifted' ? whyUsual(name, each, { known, past }) : undefined
    if (why === undefined) return each
    usual[name] = why
    return { ...each, state: 'steady' }
  }
  const features = verdict.features.map((each) => settle(each.feature, each))
  const prediction =
    verdict.prediction === null ? null : settle(PREDICTION_NAME, verdict.prediction)
  const drifted = features.filter(({ state }) => state === 'drifted').map(({ feature }) => feature)
  const share = verdict.compared === 0 ? 0 : drifted.length / verdict.compared
  const alarming = (share > 0 && share >= alertShare) || prediction?.state === 'drifted'
  return {
    ...verdict,
    features,
    prediction,
    drifted,
    share,
    alarming,
    ...(Object.keys(firsts).length > 0 ? { firsts } : {}),
    ...(Object.keys(usual).length > 0 ? { usual } : {}),
  }
}

/** No column's name holds a NUL. */
const PREDICTION_NAME = '\0prediction'

function whyUsual(
  name: string,
  each: ComparedFeature,
  { known, past }: { known: readonly number[]; past: Past },
): 'season' | 'beginning' | undefined {
  // Gaps are no matter of seasons.
  if (each.effect === null || each.missing.difference > each.missing.threshold) return undefined
  if (each.learntFrom === 0) {
    if (known.length < FIRSTS) return each.effect <= GROSS[each.measure] ? 'beginning' : undefined
    if (each.effect <= boundOf(known)) return 'beginning'
  }
  return past.rhythms.some((rhythm) => isSeason(name, each.effect as number, rhythm))
    ? 'season'
    : undefined
}

/** As far as at the beats before, while most windows between the beats are near: drift that stays is no season. */
function isSeason(name: string, effect: number, { on, off }: Past['rhythms'][number]): boolean {
  const beats = on.flatMap((each) => effectsIn(each, name) ?? [])
  const between = off.flatMap((each) => effectsIn(each, name) ?? [])
  if (beats.length < BEATS_MIN || between.length < BEATS_MIN) return false
  const far = between.filter((each) => each.effect > each.threshold).length
  return far < between.length / 2 && effect <= boundOf(beats.map((each) => each.effect))
}

function effectsIn(
  { features, prediction }: Judged,
  name: string,
): { effect: number; threshold: number } | undefined {
  const found =
    name === PREDICTION_NAME ? prediction : features.find(({ feature }) => feature === name)
  if (found === null || found === undefined || found.state === 'skipped') return undefined
  return found.effect === null ? undefined : { effect: found.effect, threshold: found.threshold }
}

/** What values like these seldom exceed. */
function boundOf(values: readonly number[]): number {
  const mean = values.reduce((all, value) => all + value, 0) / values.length
  const squares = values.reduce((all, value) => all + (value - mean) ** 2, 0)
  return Math.max(mean + 3 * Math.sqrt(squares / values.length), 1.25 * Math.max(...values))
}

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS
const BEATS = 5
const PARTS_BETWEEN = [1, 2, 3, 4, 5, 6]

/** The starts of the windows that tell whether one of this length follows a rhythm of a day or a week. */
export function rhythmsOf(span: {
  fromMs: number
  toMs: number
}): { on: number[]; off: number[] }[] {
  const sizeMs = span.toMs - span.fromMs
  return [DAY_MS, WEEK_MS]
    .filter((period) => sizeMs * 2 < period && period % sizeMs === 0)
    .map((period) => ({
      on: Array.from({ length: BEATS }, (_, index) => span.fromMs - (index + 1) * period),
      off: [0, 1].flatMap((periods) =>
        PARTS_BETWEEN.map((part) => {
          const ago = periods * period + Math.round((part * period) / 7 / sizeMs) * sizeMs
          return span.fromMs - ago
        }),
      ),
    }))
}

/** The verdicts of windows, as far as they hold of the same version. */
export function judgedOf(windows: readonly (Window | undefined)[], modelVersion: string): Judged[] {
  return windows.flatMap((window) =>
    window?.modelVersion === modelVersion && window.drift.state === 'judged' ? [window.drift] : [],
  )
}
