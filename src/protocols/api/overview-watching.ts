import type { Json } from '#base/json'
import type { Entry, LedgerReads } from '#ledger'
import {
  eventOf,
  firstBy,
  integerIn,
  isoOf,
  listIn,
  numberIn,
  numberOf,
  recordIn,
  recordOf,
  textIn,
  textsIn,
  writtenAt,
  type Newest,
} from './overview-facts.ts'
import type { KnownPromotion } from './overview-serving.ts'
import type {
  AlertWire,
  DriftedFeatureWire,
  MarkWire,
  MonitorWire,
  PolicyRunWire,
  WindowWire,
} from './overview-wire.ts'

/** A year of days and a bit; each window may be told of twice, before and after its labels settled. */
const WINDOWS_MAX = 400
const WINDOW_FACTS_LOOKED_AT = 2 * WINDOWS_MAX
const TRANSITIONS_LOOKED_AT = 200
const MARKS_MAX = 200
const POLICY_RUNS_MAX = 8

/** What the monitors of each endpoint have found, window by window. */
export async function monitorsFrom(newest: Newest): Promise<MonitorWire[]> {
  const [evaluated, drifts, declared, alerts] = await Promise.all([
    newest('window-evaluated', WINDOW_FACTS_LOOKED_AT),
    newest('drift-detected', 20),
    newest('endpoint-declared', 20),
    alertsFrom(newest),
  ])
  const declarations = firstBy(declared, endpointIn)
  const names = new Set([...declarations.keys(), ...evaluated.map(endpointIn)])
  return [...names].map((endpoint) => {
    const facts = evaluated.filter((entry) => endpointIn(entry) === endpoint)
    const { driftLimit, aucLimit, performanceLimit } = limitsIn(declarations.get(endpoint))
    const { drifted, driftedAt } = newestDrift(
      facts,
      drifts.filter((entry) => endpointIn(entry) === endpoint),
    )
    return {
      endpoint,
      windows: windowsOf(facts),
      driftLimit,
      aucLimit,
      performanceLimit,
      drifted,
      driftedAt,
      alerts: alerts.filter((alert) => alert.endpoint === endpoint),
    }
  })
}

function endpointIn(entry: Entry): string {
  return textIn(entry, 'endpoint') ?? ''
}

function limitsIn(
  declared: Entry | undefined,
): Pick<MonitorWire, 'driftLimit' | 'aucLimit' | 'performanceLimit'> {
  if (declared === undefined) return { driftLimit: null, aucLimit: null, performanceLimit: null }
  const monitor = recordIn(declared, 'monitor')
  const performanceLimit = limitOf(recordOf(monitor['performance']))
  return {
    driftLimit: numberOf(recordOf(monitor['drift'])['alert_share']),
    aucLimit: performanceLimit?.metric === AREA ? performanceLimit.min : null,
    performanceLimit,
  }
}

const AREA = 'roc_auc'

/** The metric that is named alone, else the first of the list. */
function limitOf(section: Readonly<Record<string, Json>>): MonitorWire['performanceLimit'] {
  const { metrics } = section
  const listed = Array.isArray(metrics) ? (metrics as readonly Json[])[0] : undefined
  const named = typeof section['metric'] === 'string' ? section : recordOf(listed ?? null)
  const { metric } = named
  if (typeof metric !== 'string') return null
  return { metric, min: numberOf(named['min']), max: numberOf(named['max']) }
}

/** One window for each start, oldest first; a later fact of the same window fills in what it knows better. */
function windowsOf(newestFirst: readonly Entry[]): WindowWire[] {
  const windows = new Map<string, WindowWire>()
  for (const entry of newestFirst.toReversed()) {
    const window = windowOf(entry)
    const earlier = windows.get(window.start)
    windows.set(window.start, earlier === undefined ? window : completed(earlier, window))
  }
  return [...windows.values()]
    .toSorted((a, b) => a.start.localeCompare(b.start))
    .slice(-WINDOWS_MAX)
}

function windowOf(entry: Entry): WindowWire {
  return {
    start: timeIn(entry, 'start') ?? eventOf(entry) ?? writtenAt(entry),
    end: timeIn(entry, 'end') ?? eventOf(entry) ?? writtenAt(entry),
    predictions: integerIn(entry, 'predictions') ?? 0,
    labels: integerIn(entry, 'labels') ?? 0,
    settled: textIn(entry, 'state') === 'settled',
    modelVersion: textIn(entry, 'modelVersion'),
    driftShare: numberIn(entry, 'driftShare'),
    prediction: textIn(entry, 'prediction'),
    ...measuredIn(entry),
    low: numberIn(entry, 'ciLow'),
    high: numberIn(entry, 'ciHigh'),
    unjudged: textIn(entry, 'performanceSkipped') ?? textIn(entry, 'driftSkipped'),
  }
}

/** Facts from before there was more than one metric name none: theirs is the area under the curve. */
function measuredIn(entry: Entry): Pick<WindowWire, 'metric' | 'value' | 'auc'> {
  const area = numberIn(entry, 'auc')
  const metric = textIn(entry, 'metric') ?? (area === null ? null : AREA)
  const value = metric === AREA ? area : numberIn(entry, 'value')
  return { metric, value, auc: metric === AREA ? area : null }
}

function completed(earlier: WindowWire, later: WindowWire): WindowWire {
  return {
    ...later,
    driftShare: later.driftShare ?? earlier.driftShare,
    prediction: later.prediction ?? earlier.prediction,
    metric: later.metric ?? earlier.metric,
    value: later.value ?? earlier.value,
    auc: later.auc ?? earlier.auc,
    low: later.low ?? earlier.low,
    high: later.high ?? earlier.high,
  }
}

/** Times in facts are RFC 3339 or milliseconds. */
function timeIn(entry: Entry, key: string): string | null {
  const value = entry.data[key]
  const ms = typeof value === 'string' ? Date.parse(value) : numberOf(value)
  return ms === null || Number.isNaN(new Date(ms).getTime()) ? null : isoOf(ms)
}

function newestDrift(
  evaluated: readonly Entry[],
  detected: readonly Entry[],
): { drifted: DriftedFeatureWire[]; driftedAt: string | null } {
  const judged = evaluated.find((entry) => numberIn(entry, 'driftShare') !== null)
  if (judged === undefined) return { drifted: [], driftedAt: null }
  const start = timeIn(judged, 'start')
  const told = listIn(judged, 'drifted')
  const detail = detected.find((entry) => textIn(entry, 'window')?.endsWith(start ?? '') === true)
  const features = told.length > 0 || detail === undefined ? told : listIn(detail, 'features')
  return {
    drifted: features
      .map(featureOf)
      .filter((each) => each !== null)
      .slice(0, 10),
    driftedAt: start,
  }
}

function featureOf(value: Json): DriftedFeatureWire | null {
  const { feature, value: size, threshold, statistic } = recordOf(value)
  if (typeof feature !== 'string') return null
  return {
    feature,
    value: numberOf(size),
    threshold: numberOf(threshold),
    statistic: typeof statistic === 'string' ? statistic : null,
  }
}

/** Alerts whose last transition was to be raised. */
async function alertsFrom(newest: Newest): Promise<AlertWire[]> {
  const transitions = await transitionsFrom(newest)
  const last = firstBy(transitions, (entry) =>
    [endpointIn(entry), textIn(entry, 'kind'), textIn(entry, 'subject') ?? ''].join(' '),
  )
  return [...last.values()]
    .filter((entry) => entry.type === 'alert-raised')
    .map((entry) => ({
      endpoint: endpointIn(entry),
      kind: textIn(entry, 'kind') ?? 'alert',
      detail: textIn(entry, 'detail'),
      raised: eventOf(entry) ?? writtenAt(entry),
      position: entry.position,
    }))
}

async function transitionsFrom(newest: Newest): Promise<Entry[]> {
  const [raised, cleared] = await Promise.all([
    newest('alert-raised', TRANSITIONS_LOOKED_AT),
    newest('alert-cleared', TRANSITIONS_LOOKED_AT),
  ])
  return [...raised, ...cleared].toSorted((a, b) => b.position - a.position)
}

const MARKS: Readonly<Record<string, { kind: MarkWire['kind']; words: (entry: Entry) => string }>> =
  {
    'policy-fired': {
      kind: 'retraining',
      words: (entry) => `${textIn(entry, 'policy')} retrained`,
    },
    'promotion-accepted': { kind: 'promoted', words: (entry) => `${versionIn(entry)} promoted` },
    'promotion-refused': {
      kind: 'refused',
      words: (entry) =>
        `${versionIn(entry)} refused: ${textsIn(entry, 'reasons')[0] ?? 'no reason given'}`,
    },
    'alert-raised': { kind: 'alert', words: (entry) => `${textIn(entry, 'kind')} alert raised` },
    'alert-cleared': {
      kind: 'cleared',
      words: (entry) => `${textIn(entry, 'kind')} alert cleared`,
    },
  }

/** What belongs on the time line beside drift and performance, oldest first. */
export async function marksFrom(newest: Newest): Promise<MarkWire[]> {
  const pages = await Promise.all(
    Object.entries(MARKS).map(async ([type, { kind, words }]) =>
      (await newest(type, TRANSITIONS_LOOKED_AT)).map((entry) => ({
        kind,
        at: eventOf(entry) ?? writtenAt(entry),
        words: words(entry),
        position: entry.position,
      })),
    ),
  )
  return pages
    .flat()
    .toSorted((a, b) => a.position - b.position)
    .slice(-MARKS_MAX)
}

function versionIn(entry: Entry): string {
  return `${textIn(entry, 'model')} v${textIn(entry, 'version')}`
}

/** What policies did and what came of it, newest first. */
export async function policyRunsFrom(
  { newest, read }: { newest: Newest; read: Pick<LedgerReads, 'find'> },
  promotions: readonly KnownPromotion[],
): Promise<PolicyRunWire[]> {
  const [fired, finished] = await Promise.all([
    newest('policy-fired', POLICY_RUNS_MAX),
    newest('policy-run-finished', POLICY_RUNS_MAX),
  ])
  const ends = firstBy(finished, (entry) => textIn(entry, 'policyRun') ?? '')
  return Promise.all(
    fired.map(async (entry) => {
      const id = textIn(entry, 'policyRun') ?? ''
      const end = ends.get(id)
      const position = integerIn(entry, 'cause')
      const asked = end === undefined ? null : textIn(end, 'promotion')
      return policyRunOf(entry, {
        end,
        cause: position === null ? undefined : await read.find(position),
        promotion: promotions.find(
          ({ policyRun, wire }) => policyRun === id || wire.promotion === asked,
        )?.wire,
      })
    }),
  )
}

function policyRunOf(
  fired: Entry,
  known: {
    cause: Entry | undefined
    promotion: KnownPromotion['wire'] | undefined
    end: Entry | undefined
  },
): PolicyRunWire {
  const { cause, promotion, end } = known
  const made = end === undefined ? null : textIn(end, 'modelVersion')
  const [model, version] = made?.split('/') ?? []
  return {
    policyRun: textIn(fired, 'policyRun') ?? '',
    project: textIn(fired, 'project'),
    policy: textIn(fired, 'policy') ?? '',
    endpoint: textIn(fired, 'endpoint'),
    fired: writtenAt(fired),
    event: eventOf(fired),
    cause: cause?.type ?? textIn(fired, 'causeType'),
    causePosition: cause?.position ?? null,
    why: cause === undefined ? null : textIn(cause, 'detail'),
    state: policyState(promotion, end),
    model: promotion?.model ?? model ?? null,
    version: promotion?.version ?? versionOf(version),
    reason: promotion?.reasons[0] ?? (end === undefined ? null : textIn(end, 'reason')),
    position: fired.position,
  }
}

function versionOf(text: string | undefined): number | null {
  const version = Number(text)
  return Number.isSafeInteger(version) ? version : null
}

function policyState(
  promotion: KnownPromotion['wire'] | undefined,
  end: Entry | undefined,
): PolicyRunWire['state'] {
  if (end !== undefined && textIn(end, 'outcome') === 'cancelled') return 'cancelled'
  if (promotion?.state === 'accepted') return 'promoted'
  if (promotion?.state === 'refused') return 'refused'
  if (promotion !== undefined) return 'checking'
  if (end === undefined) return 'retraining'
  return textIn(end, 'outcome') === 'succeeded' ? 'finished' : 'failed'
}
