import { join } from 'node:path'
import { createMonitoring, type Alert, type Window } from '#monitoring'
import type { Endpoint, HourProfile, PredictionQueries, PredictionRow } from '#serving'
import { addValue, emptySketch, type ColumnSketch } from '#sketches'
import { MODEL, monitorOf, namedBy, predictionOf, rowsOf, type StreamRow } from './orrery.ts'
import type { Alarms, Incident } from './outcome.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Watches a stream day by day with the monitors that a server runs, over rows in memory instead of a log. */
export async function alarmsWithout(folder: string, incident: Incident): Promise<Alarms> {
  const beginMs = Date.parse(incident.begin)
  const log = logOf()
  const past = await rowsOf(join(folder, incident.name, 'reference.parquet'))
  const unhurt = { ...incident, onsetDay: Infinity }
  log.add(
    past.map((row, at) =>
      logged(unhurt, { ...row, id: `past-${at}` }, Number(row[incident.truth])),
    ),
  )
  const rows = await rowsOf(join(folder, incident.name, 'stream.parquet'))
  const arrivals = Map.groupBy(rows, ({ arrival }) =>
    Math.floor((arrival.getTime() - beginMs) / DAY_MS),
  )
  const truths = Map.groupBy(rows, (row) => Number(row.day) + Number(row.label_days))
  const kept = keeping()
  const watch = monitorsOf(incident, log.queries, kept)
  for (let day = 0; day < incident.days; day++) {
    log.add((arrivals.get(day) ?? []).map((row) => logged(incident, row, null)))
    for (const row of truths.get(day) ?? []) log.label(row.id, Number(row[incident.truth]))
    const closedMs = beginMs + day * DAY_MS
    await watch({ endpoint: incident.name, closedMs, settledMs: closedMs - DAY_MS })
  }
  const alarms = [...kept.alerts.values()].map((alert) => ({
    day: Math.floor((alert.raisedMs - beginMs) / DAY_MS) - 1,
    columns: namedBy(alert),
    isCritical: alert.severity === 'critical',
  }))
  return {
    firstDay: 0,
    alarms: alarms.toSorted((one, other) => Number(other.isCritical) - Number(one.isCritical)),
  }
}

function logged(incident: Incident, row: StreamRow, label: number | null): PredictionRow {
  const { id, time, inputs, outputs } = predictionOf(incident, row)
  const eventMs = Date.parse(time)
  // JSON has no infinity: a server is told null.
  const plain = JSON.parse(JSON.stringify(inputs)) as PredictionRow['inputs']
  const about = { batch: id, revision: 1, modelVersion: MODEL, role: 'live', key: null } as const
  return { ...about, id, eventMs, atMs: eventMs, latencyMs: 1, inputs: plain, outputs, label }
}

/** What a log of predictions answers, from memory. */
function logOf() {
  const byHour = new Map<number, PredictionRow[]>()
  const byId = new Map<string, { row: PredictionRow; hour: number }>()
  const profiles = new Map<number, HourProfile>()
  const hoursIn = ({ fromMs = -Infinity, toMs = Infinity }: { fromMs?: number; toMs?: number }) =>
    [...byHour.keys()]
      .filter((hour) => hour * HOUR_MS < toMs && (hour + 1) * HOUR_MS > fromMs)
      .toSorted((one, other) => one - other)
  const queries: Pick<PredictionQueries, 'window' | 'summaries' | 'profiles'> = {
    window: async (_, { fromMs, toMs, limit = Infinity, after }) => {
      const rows = hoursIn({ fromMs, toMs })
        .flatMap((hour) => byHour.get(hour) ?? [])
        .filter(({ eventMs }) => eventMs >= fromMs && eventMs < toMs)
      const from = Number(after ?? 0)
      const to = from + limit
      return { rows: rows.slice(from, to), next: to < rows.length ? String(to) : null }
    },
    summaries: async (_, { fromMs, toMs, per }) => {
      const span = {
        ...(fromMs === undefined ? {} : { fromMs }),
        ...(toMs === undefined ? {} : { toMs }),
      }
      const start = (hour: number) =>
        per === 'month' ? 0 : Math.floor((hour * HOUR_MS) / per) * per
      return [...Map.groupBy(hoursIn(span), start)].map(([startMs, hours]) => {
        const rows = hours.flatMap((hour) => byHour.get(hour) ?? [])
        const labels = rows.filter(({ label }) => label !== null).length
        return { startMs, predictions: rows.length, labels }
      })
    },
    profiles: async function* (_, span) {
      for (const hour of hoursIn(span)) yield profiles.get(hour) as HourProfile
    },
  }
  return {
    queries: queries as PredictionQueries,
    add: (rows: readonly PredictionRow[]) => {
      for (const [hour, more] of Map.groupBy(rows, (row) => Math.floor(row.eventMs / HOUR_MS))) {
        const all = [...(byHour.get(hour) ?? []), ...more]
        const sorted = all.toSorted((one, other) => one.eventMs - other.eventMs)
        byHour.set(hour, sorted)
        profiles.set(hour, profileOf(hour, sorted))
        for (const row of more) byId.set(row.id, { row, hour })
      }
    },
    label: (id: string, label: number) => {
      const known = byId.get(id)
      if (known !== undefined) (known.row as { label: unknown }).label = label
    },
  }
}

function profileOf(hour: number, rows: readonly PredictionRow[]): HourProfile {
  const sketched = (side: 'inputs' | 'outputs') => {
    const sketches = new Map<string, ColumnSketch>()
    for (const row of rows)
      for (const [name, value] of Object.entries(row[side])) {
        const sketch = sketches.get(name) ?? emptySketch()
        sketches.set(name, sketch)
        addValue(sketch, value)
      }
    return sketches
  }
  const about = { startMs: hour * HOUR_MS, revision: 1, modelVersion: MODEL, rows: rows.length }
  const sides = { inputs: sketched('inputs'), outputs: sketched('outputs') }
  return { ...about, ...sides, latencyMs: emptySketch() }
}

type Dependencies = Parameters<typeof createMonitoring>[0]

const knownOf = ({ startMs, endMs, counted }: Window) => ({
  startMs,
  endMs,
  counted: counted ?? null,
})

/** What the monitors keep, of one endpoint. */
function keeping() {
  const windows = new Map<number, Window>()
  const alerts = new Map<string, Alert>()
  const learnt = new Map<string, unknown>()
  let progress = { closedMs: null as number | null, settledMs: null as number | null }
  const newest = () => [...windows.values()].toSorted((one, two) => two.startMs - one.startMs)
  const reads: Dependencies['read'] = {
    findWindow: async (_, startMs) => windows.get(startMs),
    windows: async (_, { limit, beforeMs = Infinity }) =>
      newest()
        .filter(({ startMs }) => startMs < beforeMs)
        .slice(0, limit),
    knownWindows: async (_, { fromMs, toMs }) =>
      newest()
        .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
        .map(knownOf),
    lastKnown: async (_, limit) => newest().slice(0, limit).map(knownOf),
    progress: async () => progress,
    openAlerts: async (_, kind) =>
      [...alerts.values()].filter((each) => each.kind === kind && each.clearedMs === null),
    findAlert: async (id) => alerts.get(id),
    alerts: async ({ open, limit }) =>
      [...alerts.values()]
        .toReversed()
        .filter(({ clearedMs }) => open !== true || clearedMs === null)
        .slice(0, limit),
    findReference: async () => undefined,
    findEstimator: async (key) => learnt.get(key) as never,
  }
  const writes = {
    ...reads,
    saveWindow: async (window: Window) => {
      windows.set(window.startMs, JSON.parse(JSON.stringify(window)) as Window)
    },
    saveProgress: async (_: string, to: typeof progress) => {
      progress = to
    },
    saveAlert: async (alert: Alert) => {
      alerts.set(alert.id, alert)
    },
    saveReference: async () => undefined,
    saveEstimator: async (key: string, estimator: unknown) => {
      learnt.set(key, estimator)
    },
  }
  return { reads, writes, alerts }
}

/** The monitors as a server has them, for one endpoint. */
function monitorsOf(
  incident: Incident,
  predictions: PredictionQueries,
  { reads, writes }: ReturnType<typeof keeping>,
): (ends: Record<string, unknown>) => Promise<void> {
  const begin = Date.parse(incident.begin)
  const monitor = {
    min_samples: 100,
    drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
    ...monitorOf(incident),
  }
  const endpoint = { name: incident.name, model: '', elsewhere: true, monitor }
  const transact = (work: (tx: unknown) => Promise<unknown>) =>
    work({ monitoring: writes, ledger: { append: async () => [] }, work: {} })
  const { handler } = createMonitoring({
    read: reads,
    transact,
    endpoints: async () => [endpoint as unknown as Endpoint],
    predictions,
    trainingData: { find: async () => ({ state: 'unknown', reason: 'nobody told' }) },
    happenings: async () => [],
    askRows: async () => ({}),
    clock: { nowMs: () => begin },
  } as unknown as Dependencies)
  return (ends) =>
    handler.run(
      { payload: ends } as unknown as Parameters<typeof handler.run>[0],
      new AbortController().signal,
    )
}
