// What another system tells of its predictions, day by day, with all that goes wrong on the way. It is the same each
// time, so that two servers that were told it must have found the same.

export const ENDPOINT = 'credit'
export const DAYS = 11
const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ROWS = 120
/** From this day on the amounts are others, and what is true has nothing to do with what was answered. */
const BAD_DAY = 8
/** Predictions of `of` come on the day `on`; the labels of `of` are corrected on the day `on`. */
const LATE = { on: 5, of: 2, rows: 40 }
const CORRECTED = { on: 7, of: 4 }

export interface Told {
  readonly path: string
  readonly body: object
}

/** What must be so of a day's window before the next day is told of. */
export interface Expected {
  readonly start: string
  readonly predictions: number
  readonly labels: number
  readonly replaced: number
  readonly settled: boolean
}

export interface Day {
  readonly told: readonly Told[]
  readonly expected: readonly Expected[]
}

export const yaml = (receiver: string): string => `
project: loans
endpoints:
  ${ENDPOINT}:
    elsewhere: true
    monitor:
      settle: 1d
      min_samples: 50
      reference: { from: 2026-01-05, to: 2026-01-09 }
      drift: { alert_share: 0.3, persistence: { windows: 1, of: 1 } }
      performance: { metric: roc_auc, min: 0.7, persistence: { windows: 1, of: 1 } }
alerts:
  destinations:
    own: { webhook: { url: '${receiver}/own', secret: own } }
  routes:
    - { to: [own], group_by: [endpoint, kind, subject], wait: 0s, interval: 0s }
`

export function dayOf(day: number): Day {
  const rows = rowsOf(day, ROWS, '')
  const half = rows.slice(0, ROWS / 2)
  const before = day === 0 ? [] : rowsOf(day - 1, ROWS, '')
  const lot = (some: readonly Row[]): Told => ({
    path: '/predictions',
    body: { endpoint: ENDPOINT, predictions: some.map(predictionOf) },
  })
  const truths = (some: readonly object[]): Told => ({
    path: `/endpoints/${ENDPOINT}/ground-truth`,
    body: { truths: some },
  })
  const late = day === LATE.on ? rowsOf(LATE.of, LATE.rows, 'late-') : []
  const corrected = day === CORRECTED.on ? rowsOf(CORRECTED.of, ROWS, '') : []
  const told = [
    // A truth may be told before its prediction, by another name than the next time, and more than once.
    truths([{ prediction: rows[0]?.id, label: rows[0]?.label }]),
    lot(half),
    lot(rows.slice(ROWS / 2 - 20).toReversed()),
    lot(half),
    ...(before.length === 0 ? [] : [truths(before.map(byIdOrKey)), truths(before.map(byIdOrKey))]),
    ...(late.length === 0
      ? []
      : [lot(late.map((row) => ({ ...row, said: row.label }))), lot(late)]),
    ...(corrected.length === 0
      ? []
      : [truths(corrected.map((row) => Object.assign(byIdOrKey(row), { label: 1 - row.label })))]),
    // The last word of a day closes its window, and settles the one before.
    { path: `/endpoints/${ENDPOINT}/watermark`, body: { time: START + (day + 1) * DAY } },
  ]
  return { told, expected: expectedAfter(day) }
}

function expectedAfter(day: number): Expected[] {
  return [...new Set([LATE.of, CORRECTED.of, day - 1, day])]
    .filter((each) => each >= 0 && each <= day)
    .map((each) => {
      const extra = each === LATE.of && day >= LATE.on ? LATE.rows : 0
      const settled = each < day
      return {
        start: new Date(START + each * DAY).toISOString(),
        predictions: ROWS + extra,
        labels: settled ? ROWS + extra : 1,
        replaced: each === CORRECTED.of && day >= CORRECTED.on ? ROWS : 0,
        settled,
      }
    })
}

interface Row {
  readonly id: string
  readonly key: string
  readonly timeMs: number
  readonly amount: number
  readonly age: number
  readonly chance: number
  readonly label: number
  readonly said?: number
}

function rowsOf(day: number, count: number, prefix: string): Row[] {
  const isBad = day >= BAD_DAY
  return Array.from({ length: count }, (_, at) => {
    const noise = spread(day * 1000 + at + prefix.length)
    const label = at % 2
    return {
      id: `${prefix}${day}-${at}`,
      key: `customer-${prefix}${day}-${at}`,
      timeMs: START + day * DAY + at * 600_000,
      amount: isBad ? 50 + noise * 10 : noise * 10,
      age: 20 + spread(at * 31 + day) * 40,
      chance: isBad ? spread(at + 7 + day) : label * 0.5 + noise * 0.5,
      label,
    }
  })
}

function predictionOf({ id, key, timeMs, amount, age, chance, said }: Row): object {
  return {
    id,
    key,
    modelVersion: 'scorecard 2026',
    time: timeMs,
    inputs: { amount, age },
    outputs: { probability: chance },
    ...(said === undefined ? {} : { label: said }),
  }
}

function byIdOrKey({ id, key, label }: Row): { label: number } & Record<string, unknown> {
  return Number(id.split('-')[1]) % 3 === 1 ? { key, label } : { prediction: id, label }
}

/** Every prediction that was told, by what it is about, with its last label. */
export function everything(): Map<string, number | null> {
  const all = new Map<string, number | null>()
  for (let day = 0; day < DAYS; day++)
    for (const [at, { key, label }] of rowsOf(day, ROWS, '').entries()) {
      const isKnown = day < DAYS - 1 || at === 0
      all.set(key, isKnown ? (day === CORRECTED.of ? 1 - label : label) : null)
    }
  for (const { key, label } of rowsOf(LATE.of, LATE.rows, 'late-')) all.set(key, label)
  return all
}

/** Numbers from 0 to 1 that look like chance and are the same each time. */
function spread(at: number): number {
  return Math.abs((Math.sin(at * 12.9898) * 43_758.5453) % 1)
}
