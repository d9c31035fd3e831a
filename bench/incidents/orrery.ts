import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { Alarms, Incident } from './outcome.ts'

const DAY_MS = 86_400_000
export const MODEL = 'model-1'
const PATIENCE_MS = 600_000

export interface StreamRow extends Record<string, unknown> {
  readonly id: string
  readonly day: bigint
  readonly time: Date
  readonly arrival: Date
  readonly label_days: bigint
  readonly score: number
}

/** Tells a server of a stream day by day, as it happened, and gives the alerts that it raised. */
export async function alarmsOfOrrery(
  url: string,
  folder: string,
  incident: Incident,
): Promise<Alarms> {
  const ask = talking(url)
  const rows = await rowsOf(join(folder, incident.name, 'stream.parquet'))
  await ask('POST', '/endpoints', {
    name: incident.name,
    elsewhere: true,
    monitor: monitorOf(incident),
  })
  const beginMs = Date.parse(incident.begin)
  await past(ask, incident, await rowsOf(join(folder, incident.name, 'reference.parquet')))
  const arrivals = Map.groupBy(rows, ({ arrival }) => dayOf(arrival.getTime() - beginMs))
  const truths = Map.groupBy(rows, (row) => Number(row.day) + Number(row.label_days))
  for (let day = 0; day < incident.days; day++) {
    const told = (arrivals.get(day) ?? []).map((row) => predictionOf(incident, row))
    await sent(ask, `/predictions?endpoint=${incident.name}`, { predictions: told })
    const known = (truths.get(day) ?? []).map((row) => ({
      prediction: row.id,
      label: Number(row[incident.truth]),
    }))
    await sent(ask, `/endpoints/${incident.name}/ground-truth`, { truths: known })
    if (day > 0) await evaluated(ask, incident.name, beginMs + (day - 1) * DAY_MS)
  }
  const alarms = await alertsOf(ask, incident, beginMs)
  return { firstDay: 0, alarms }
}

/** All that is said to the monitor: which days nothing happened in. Everything else is as it comes. */
export function monitorOf({ begin, referenceDays }: Incident) {
  const beginMs = Date.parse(begin)
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  return {
    window: { size: '1d' },
    settle: '1d',
    reference: { from: day(beginMs - referenceDays * DAY_MS), to: day(beginMs) },
  }
}

/** Tells of the days before the stream, with their truths. */
async function past(ask: Ask, incident: Incident, rows: readonly StreamRow[]): Promise<void> {
  const told = rows.map((row, index) => ({
    ...predictionOf({ ...incident, onsetDay: Infinity }, row),
    id: `${incident.name}-past-${index}`,
    label: Number(row[incident.truth]),
  }))
  await sent(ask, `/predictions?endpoint=${incident.name}`, { predictions: told })
}

export function predictionOf(incident: Incident, row: StreamRow) {
  const hurt = Number(row.day) >= incident.onsetDay
  const inputs = [...incident.numbers, ...incident.categories].flatMap((name) => {
    if (hurt && name === incident.gone) return []
    const value = valueOf(row[name])
    return [[name, hurt && name === incident.retyped ? String(value) : value]]
  })
  return {
    id: row.id,
    modelVersion: MODEL,
    time: row.time.toISOString(),
    inputs: Object.fromEntries(inputs) as Record<string, unknown>,
    outputs: { score: row.score },
  }
}

function valueOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' && Number.isNaN(value) ? null : value
}

export async function rowsOf(path: string): Promise<StreamRow[]> {
  const file = await asyncBufferFromFile(path)
  return (await parquetReadObjects({ file, compressors })) as StreamRow[]
}

const AT_ONCE = 2000

async function sent(
  ask: Ask,
  path: string,
  all: Readonly<Record<string, readonly unknown[]>>,
): Promise<void> {
  for (const [as, list] of Object.entries(all))
    for (let at = 0; at < list.length; at += AT_ONCE)
      await ask('POST', path, { [as]: list.slice(at, at + AT_ONCE) })
}

async function evaluated(ask: Ask, endpoint: string, startMs: number): Promise<void> {
  const until = Date.now() + PATIENCE_MS
  while (Date.now() < until) {
    const { windows } = (await ask('GET', `/endpoints/${endpoint}/windows?limit=1`)) as {
      windows: { start: string }[]
    }
    if (windows[0] !== undefined && Date.parse(windows[0].start) >= startMs) return
    await sleep(20)
  }
  throw new Error(`${endpoint}: the window of ${new Date(startMs).toISOString()} was not judged`)
}

interface WireAlert {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly severity: 'warning' | 'critical'
  readonly raised: string
}

interface WireCauses {
  readonly ranked: readonly { readonly kind: string; readonly subject: string }[]
}

/** In the order in which a person reads them: what is critical first, and what was raised first. */
async function alertsOf(ask: Ask, incident: Incident, beginMs: number): Promise<Alarms['alarms']> {
  const alerts: WireAlert[] = []
  for (let before = ''; ;) {
    const page = (await ask('GET', `/alerts?endpoint=${incident.name}&limit=200${before}`)) as {
      alerts: WireAlert[]
      next: string | null
    }
    alerts.push(...page.alerts)
    if (page.next === null) break
    before = `&before=${encodeURIComponent(page.next)}`
  }
  const found = alerts.toReversed().map(async (alert) => ({
    severity: alert.severity,
    // Raised when its day was over.
    day: dayOf(Date.parse(alert.raised) - beginMs) - 1,
    columns: await namedIn(ask, alert),
  }))
  const rank = ({ severity }: Pick<WireAlert, 'severity'>) => Number(severity !== 'critical')
  return (await Promise.all(found)).toSorted((one, other) => rank(one) - rank(other))
}

/** With the causes that were found. */
async function namedIn(ask: Ask, alert: WireAlert): Promise<string[]> {
  const { causes } = (await ask('GET', `/alerts/${alert.id}`)) as { causes: WireCauses | null }
  return namedBy({ ...alert, causes: causes ?? undefined })
}

/** What an alert names as being at fault: what it is about, then the causes that were found, the likeliest first. */
export function namedBy(alert: {
  readonly kind: string
  readonly subject: string
  readonly causes?: WireCauses | undefined
}): string[] {
  const { kind, subject, causes } = alert
  const ranked = (causes?.ranked ?? []).flatMap((cause) =>
    cause.kind === 'relation' ? ['concept'] : cause.kind === 'column' ? [cause.subject] : [],
  )
  const about = subject === '' ? [] : [subject]
  if (kind === 'drift') return [...about, ...ranked]
  if (kind === 'quality') return [subject === '' ? 'rows' : subject, ...ranked]
  return [kind, ...about, ...ranked]
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS)
}

type Ask = (method: string, path: string, body?: unknown) => Promise<unknown>

function talking(url: string): Ask {
  return async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
}
