/** What was done to a stream, and from which day on. */
export interface Incident {
  readonly name: string
  readonly what: string
  /** The columns at fault, or a word for what is at fault; empty where nothing is to be found. */
  readonly causes: readonly string[]
  readonly onsetDay: number
  readonly days: number
  readonly begin: string
  readonly gone?: string
  readonly retyped?: string
  /** What of a row is the model's input, and which column tells what was true. */
  readonly numbers: readonly string[]
  readonly categories: readonly string[]
  readonly truth: string
  readonly referenceDays: number
}

/** What the incidents of make.py have in common, and do not say. */
export const OF_MAKE: Pick<Incident, 'numbers' | 'categories' | 'truth' | 'referenceDays'> = {
  numbers: [
    'hour',
    'distance',
    'temp',
    'dewp',
    'humid',
    'wind_dir',
    'wind_speed',
    'precip',
    'pressure',
    'visib',
  ],
  categories: ['carrier', 'origin'],
  truth: 'late',
  referenceDays: 30,
}

/** What somebody who watched a stream said, by the day on which it could be known. */
export interface Alarms {
  readonly firstDay: number
  /** Watched until here, where that is before the stream's end. */
  readonly endDay?: number
  readonly alarms: readonly { readonly day: number; readonly columns: readonly string[] }[]
}

/** Words that name a fault which lies in no one column. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  concept: ['concept', 'performance', 'roc_auc', 'late', 'label'],
  prior: ['late', 'label', 'score', 'prediction', 'concept', 'calibration'],
  label: ['label', 'labels', 'no-labels', 'performance'],
  rows: ['rows', 'duplicates', 'volume'],
  together: ['multivariate', 'concept'],
  weather: [
    'temp',
    'dewp',
    'humid',
    'wind_dir',
    'wind_speed',
    'pressure',
    'multivariate',
    'concept',
  ],
}

export interface Outcome {
  /** Days from the onset to the first alarm; null when none came. */
  readonly delay: number | null
  readonly falseAlarms: number
  readonly calmDays: number
  /** At which place the first of the true causes was named; null when it was not. */
  readonly place: number | null
}

export function outcomeOf(
  incident: Incident,
  { firstDay, endDay = Infinity, alarms }: Alarms,
): Outcome {
  const harmless = incident.causes.length === 0
  const calmUntil = harmless ? Infinity : incident.onsetDay
  const falseAlarms = episodes(alarms.map(({ day }) => day).filter((day) => day < calmUntil))
  const first = harmless ? undefined : alarms.filter(({ day }) => day >= incident.onsetDay)
  const earliest = Math.min(...(first ?? []).map(({ day }) => day))
  // What is said on one day is read together.
  const said = (first ?? []).filter(({ day }) => day === earliest)
  const columns = [...new Set(said.flatMap((each) => each.columns))]
  const wanted = new Set(incident.causes.flatMap((cause) => [cause, ...(ALSO[cause] ?? [])]))
  const place = columns.findIndex((column) => wanted.has(column))
  return {
    delay: said.length === 0 ? null : earliest - incident.onsetDay,
    falseAlarms,
    calmDays: (harmless ? Math.min(endDay, incident.days) : incident.onsetDay) - firstDay,
    place: place === -1 ? null : place,
  }
}

/** Days in a row with alarms are one alarm: an alert that stays open is told once. */
function episodes(days: readonly number[]): number {
  const all = new Set(days)
  return [...all].filter((day) => !all.has(day - 1)).length
}

export function judged(incidents: readonly Incident[], found: ReadonlyMap<string, Alarms>) {
  const outcomes = incidents.flatMap((incident) => {
    const alarms = found.get(incident.name)
    return alarms === undefined ? [] : [{ incident, ...outcomeOf(incident, alarms) }]
  })
  const wanted = outcomes.filter(({ incident }) => incident.causes.length > 0)
  const seen = wanted.filter(({ delay }) => delay !== null)
  const delays = seen.map(({ delay }) => delay as number).toSorted((one, other) => one - other)
  const total = (of: 'falseAlarms' | 'calmDays') =>
    outcomes.reduce((all, each) => all + each[of], 0)
  const named = (within: number) =>
    seen.filter(({ place }) => place !== null && place < within).length / Math.max(1, seen.length)
  return {
    found: seen.length / Math.max(1, wanted.length),
    medianDelay: delays[delays.length >> 1] ?? Infinity,
    falsePerHundred: (100 * total('falseAlarms')) / Math.max(1, total('calmDays')),
    first: named(1),
    firstThree: named(3),
  }
}

/** A line for each stream: who found it how many days later, in brackets false alarms, and at which place the cause. */
export function overview(
  incidents: readonly Incident[],
  found: Readonly<Record<string, ReadonlyMap<string, Alarms>>>,
): string[] {
  const people = Object.keys(found)
  const cells = (incident: Incident) =>
    people.map((who) => {
      const alarms = found[who]?.get(incident.name)
      if (alarms === undefined) return '-'.padEnd(22)
      const { delay, falseAlarms, place } = outcomeOf(incident, alarms)
      const when = delay === null ? 'not found' : `+${delay} d`
      const told = incident.causes.length === 0 ? 'calm' : when
      const at = place === null ? '' : ` #${place + 1}`
      return `${told} (${falseAlarms})${at}`.padEnd(22)
    })
  return [
    `${'stream'.padEnd(26)} ${people.map((who) => who.padEnd(22)).join(' ')}`,
    ...incidents.map((incident) => `${incident.name.padEnd(26)} ${cells(incident).join(' ')}`),
  ]
}
