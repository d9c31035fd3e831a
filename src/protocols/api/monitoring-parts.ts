import type { Window } from '#monitoring'
import type { PartShown } from './monitoring-wire.ts'

type Told = Omit<PartShown, 'kind'>
type Measured<Verdict> = Exclude<Verdict, undefined | null | { readonly state: 'skipped' }>

/** How each part of a window stands, in the order in which a person asks. */
export function partsOf(window: Window): PartShown[] {
  return Object.entries(PARTS).flatMap(([kind, tell]) => {
    const fault = window.failed?.[kind]
    const told = fault === undefined ? tell(window) : none(`could not be judged: ${fault}`)
    return told === undefined ? [] : [{ kind, ...told }]
  })
}

/** Undefined where the window was judged before there was such a part, or nobody asked for it. */
const PARTS: Readonly<Record<string, (window: Window) => Told | undefined>> = {
  traffic: ({ traffic }) =>
    traffic === undefined
      ? undefined
      : traffic.state === 'asked'
        ? good('asked')
        : { state: 'warning', words: 'nobody asked' },
  service: ({ service }) => {
    if (service === undefined) return undefined
    const { p99Ms } = service.latency
    return held(service.limits, p99Ms === null ? 'latency not known' : `p99 ${digits(p99Ms)} ms`)
  },
  quality: ({ quality }) => unless(quality, qualityTold),
  drift: ({ drift }) => unless(drift, driftTold),
  multivariate: ({ multivariate }) => unless(multivariate, togetherTold),
  labels: ({ labels }) =>
    unless(labels, ({ share, stopped }) => {
      const words = `${Math.round(share * 100)} % have their truth`
      return { state: stopped ? 'warning' : 'good', words }
    }),
  performance: ({ performance }) => {
    if (performance === null) return none('no truth has come yet')
    if (performance.state === 'too-few') return none(performance.reason)
    const { main, metrics, limits } = performance
    return held(limits, `${main} ${digits(metrics[main]?.value ?? null)}`)
  },
  estimate: ({ estimate }) => unless(estimate, estimateTold),
  concept: ({ concept }) =>
    unless(concept, ({ drifted, rate, rateBefore }) =>
      drifted && rate > (rateBefore ?? -Infinity)
        ? { state: 'warning', words: `errors rose from ${digits(rateBefore)} to ${digits(rate)}` }
        : good('errors as before'),
    ),
  fairness: ({ fairness }) =>
    unless(fairness, ({ limits, columns }) =>
      held(limits, columns.map(({ by }) => `by ${by}`).join(', ')),
    ),
  kpis: ({ kpis }) =>
    kpis === undefined
      ? undefined
      : held(
          kpis.limits,
          kpis.kpis.map(({ name, value }) => `${name} ${digits(value)}`).join(', '),
        ),
  slices: ({ slices }) =>
    unless(slices, ({ slices: found }) =>
      found.length === 0
        ? good('none is answered worse than the rest')
        : // Some rows are always harder; only an alert says that it is too much.
          none(`${counted(found.length, 'slice')} answered worse than the rest`),
    ),
}

function unless<Verdict extends { readonly state: string }>(
  verdict: Verdict | undefined,
  tell: (found: Measured<Verdict>) => Told,
): Told | undefined {
  if (verdict === undefined) return undefined
  if (verdict.state === 'skipped') return none((verdict as unknown as { reason: string }).reason)
  return tell(verdict as Measured<Verdict>)
}

function driftTold({ drifted, compared, alarming, prediction }: Measured<Window['drift']>): Told {
  const own = `${drifted.length} of ${counted(compared, 'column')} drifted`
  const words = prediction?.state === 'drifted' ? `${own}, and the answers` : own
  return { state: alarming ? 'warning' : 'good', words }
}

function togetherTold({ reconstruction, embeddings }: Measured<Window['multivariate']>): Told {
  const moved = embeddings.filter(({ state }) => state === 'drifted').map(({ column }) => column)
  const isApart = reconstruction?.state === 'drifted'
  if (!isApart && moved.length === 0) return good('columns hang together as before')
  const words = [
    ...(isApart ? ['columns came apart'] : []),
    ...moved.map((each) => `${each} moved`),
  ]
  return { state: 'warning', words: words.join(', ') }
}

function qualityTold({ issues }: Measured<Window['quality']>): Told {
  if (issues.length === 0) return good('as the training data promises')
  const isCritical = issues.some(({ severity }) => severity === 'critical')
  return { state: isCritical ? 'bad' : 'warning', words: counted(issues.length, 'finding') }
}

function estimateTold({ estimates, outside, limit }: Measured<Window['estimate']>): Told {
  const shown = estimates.find(({ metric }) => metric === limit?.metric) ?? estimates[0]
  const words = `${shown?.metric ?? 'nothing'} ${digits(shown?.value ?? null)} estimated`
  return { state: outside === 'no' ? 'good' : 'warning', words }
}

/** Limits that are broken beyond chance are bad, others that are broken a warning. */
function held(limits: readonly { readonly breach: string }[], words: string): Told {
  if (limits.some(({ breach }) => breach === 'certainly')) return { state: 'bad', words }
  return { state: limits.some(({ breach }) => breach === 'yes') ? 'warning' : 'good', words }
}

function good(words: string): Told {
  return { state: 'good', words }
}

function none(words: string): Told {
  return { state: 'none', words }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Four digits that count. */
function digits(value: number | null): string {
  return value === null ? 'not known' : String(Number(value.toPrecision(4)))
}
