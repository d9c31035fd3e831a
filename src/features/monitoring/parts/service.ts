import { merged } from '#sketches'
import type { MonitorConfig } from '#projects'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import { limitsIn, serviceLimits } from '../service/limits.ts'
import { costOf, countedOf, latencyWithIntervals, revisionsIn } from '../service/measure.ts'
import type { ServiceVerdict } from '../service/verdict.ts'
import type { Window } from '../windows/window.ts'
import { findIn, limitConditions } from './performance.ts'

/** How quickly, reliably and cheaply an endpoint answered, whatever it answered. */
export const service: Part = {
  kind: 'service',
  due: 'closed',
  judge: async (view) => {
    const measured = await measuredIn(view)
    return { service: { ...measured, limits: limitsOn(measured, view.monitor) } }
  },
  again: ({ service: found }, monitor) =>
    found === undefined ? {} : { service: { ...found, limits: limitsOn(found, monitor) } },
  told: ({ service: found }) =>
    found === undefined
      ? {}
      : {
          p99Ms: found.latency.p99Ms,
          perSecond: found.perSecond,
          errors: found.counted?.errors ?? null,
          costPerThousand: found.cost?.perThousand ?? null,
        },
  lookback: (monitor) => persistenceOf(monitor).of,
  conditions: serviceConditions,
}

const PERSISTENCE = { windows: 2, of: 3 }

function persistenceOf({ service: said }: MonitorConfig) {
  return said?.persistence ?? PERSISTENCE
}

function limitsOn(measured: Omit<ServiceVerdict, 'limits'>, monitor: MonitorConfig) {
  return serviceLimits(measured, monitor.service ?? {}, monitor.min_samples)
}

const HOUR_MS = 3_600_000

async function measuredIn(view: View): Promise<Omit<ServiceVerdict, 'limits'>> {
  const { fromMs, toMs } = view.span
  const answers = await view.answers()
  const hours = await view.usage()
  const isCounted = hours !== undefined && hours.length > 0
  const counted = isCounted ? countedOf(hours) : null
  const predictions = answers.reduce((all, { rows }) => all + rows, 0)
  const latency = latencyWithIntervals(merged(answers.map(({ latencyMs }) => latencyMs)))
  const price = view.monitor.service?.cost
  const notes = [
    ...(predictions > 0 && latency.p50Ms === null ? [NO_LATENCY] : []),
    ...(hours === undefined ? [NO_HOURS] : []),
    ...(hours?.length === 0 ? [NOT_COUNTED] : []),
  ]
  return {
    predictions,
    perSecond: predictions / ((toMs - fromMs) / 1000),
    latency,
    counted,
    revisions: revisionsIn(answers, isCounted ? hours : null),
    cost:
      price === undefined
        ? null
        : costOf(price, { predictions, hours: (toMs - fromMs) / HOUR_MS, counted }),
    notes,
  }
}

const NO_LATENCY = 'how long the answers took was not told'
const NO_HOURS =
  'failures, processor and memory are counted by the hour, and this window is no whole hours'
const NOT_COUNTED =
  'nothing was counted in these hours of the clock: this server answered nothing then, or the time of the events is another'

/** A limit is passed: lastingly, or in this window beyond doubt. Whichever version answers, callers wait. */
function serviceConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  const { service: found } = window
  if (limitsIn(monitor.service ?? {}).length === 0) return []
  if (found === undefined) return 'unjudged'
  const windows = [...earlier, window]
  // An endpoint that began within the window was asked less in it than it usually is.
  const limits = found.limits.filter(({ metric }) => metric !== 'rps' || window.partial !== true)
  return limitConditions(
    limits,
    (limit) => windows.map((each) => findIn(each.service?.limits ?? [], limit)),
    { ...persistenceOf(monitor), by: 'predictions' },
  )
}
