import type { Json } from '#base/json'
import type { Entry } from '#ledger'
import {
  causeIn,
  eventOf,
  firstBy,
  integerIn,
  listIn,
  numberOf,
  recordIn,
  textIn,
  textsIn,
  writtenAt,
  type Newest,
} from './overview-facts.ts'
import type {
  ChampionWire,
  CheckWire,
  EndpointWire,
  OverviewWire,
  PromotionWire,
} from './overview-wire.ts'

const PROMOTIONS_MAX = 12
const CHECKS_LOOKED_AT = 120
const MOVES_LOOKED_AT = 50
const SEGMENTS_LOOKED_AT = 1000

/** A promotion with the policy run that asked for it, which the page does not need but policies do. */
export interface KnownPromotion {
  readonly wire: PromotionWire
  readonly policyRun: string | null
}

/** The middle of the loop: promotions with their checks, newest first. */
export async function promotionsFrom(newest: Newest): Promise<KnownPromotion[]> {
  const [requested, accepted, refused, checks] = await Promise.all([
    newest('promotion-requested', PROMOTIONS_MAX),
    newest('promotion-accepted', PROMOTIONS_MAX),
    newest('promotion-refused', PROMOTIONS_MAX),
    newest('check-finished', CHECKS_LOOKED_AT),
  ])
  const decided = firstBy([...accepted, ...refused], promotionIn)
  return requested.map((entry) => ({
    wire: promotionOf(
      entry,
      decided.get(promotionIn(entry)),
      checks.filter((check) => promotionIn(check) === promotionIn(entry)).toReversed(),
    ),
    policyRun: causeIn(entry, 'policy-run'),
  }))
}

function promotionIn(entry: Entry): string {
  return textIn(entry, 'promotion') ?? ''
}

function promotionOf(
  requested: Entry,
  decided: Entry | undefined,
  checks: readonly Entry[],
): PromotionWire {
  return {
    promotion: textIn(requested, 'promotion') ?? '',
    model: textIn(requested, 'model') ?? '',
    version: integerIn(requested, 'version') ?? 0,
    alias: textIn(requested, 'alias') ?? '',
    replaced: integerIn(requested, 'replaced'),
    state: decided === undefined ? 'checking' : decisionOf(decided),
    reasons: decided === undefined ? [] : textsIn(decided, 'reasons'),
    checks: checks.map(checkOf),
    requested: writtenAt(requested),
    decided: decided === undefined ? null : writtenAt(decided),
    event: eventOf(decided ?? requested),
    by: requested.actor.id,
    position: (decided ?? requested).position,
  }
}

function decisionOf(entry: Entry): 'accepted' | 'refused' {
  return entry.type === 'promotion-accepted' ? 'accepted' : 'refused'
}

function checkOf(entry: Entry): CheckWire {
  return {
    check: textIn(entry, 'check') ?? '',
    passed: entry.data['passed'] === true,
    reason: textIn(entry, 'reason'),
    comparison: comparisonOf(recordIn(entry, 'evidence')),
  }
}

function comparisonOf(evidence: Readonly<Record<string, Json>>): CheckWire['comparison'] {
  const candidate = numberOf(evidence['candidate'])
  const champion = numberOf(evidence['champion'])
  if (candidate === null || champion === null) return null
  return {
    metric: typeof evidence['metric'] === 'string' ? evidence['metric'] : 'metric',
    candidate,
    champion,
    low: numberOf(evidence['ciLow']),
    high: numberOf(evidence['ciHigh']),
    confidence: numberOf(evidence['confidence']),
  }
}

/** Who is champion now, since when, and by which promotion. */
export async function championFrom(
  newest: Newest,
  promotions: readonly KnownPromotion[],
): Promise<ChampionWire | null> {
  const moves = await newest('model-alias-moved', MOVES_LOOKED_AT)
  const move = moves.find((entry) => textIn(entry, 'alias') === 'champion')
  const version = move === undefined ? null : integerIn(move, 'version')
  if (move === undefined || version === null) return null
  const model = textIn(move, 'model') ?? ''
  const by = textIn(move, 'promotion')
  const promotion = promotions.find(({ wire }) => wire.promotion === by)?.wire ?? null
  const registered = await newest('model-version-registered', MOVES_LOOKED_AT)
  const registration = registered.find(
    (entry) => textIn(entry, 'model') === model && integerIn(entry, 'version') === version,
  )
  return {
    model,
    version,
    alias: 'champion',
    since: writtenAt(move),
    event: eventOf(move) ?? promotion?.event ?? null,
    run: registration === undefined ? null : textIn(registration, 'run'),
    promotion,
    position: move.position,
  }
}

export async function registeredFrom(newest: Newest): Promise<OverviewWire['registered']> {
  const [entry] = await newest('model-version-registered', 1)
  if (entry === undefined) return null
  return {
    model: textIn(entry, 'model') ?? '',
    version: integerIn(entry, 'version') ?? 0,
    at: writtenAt(entry),
    position: entry.position,
  }
}

/** Endpoints as they were declared last, with what is live and what went wrong. */
export async function endpointsFrom(newest: Newest): Promise<EndpointWire[]> {
  const [declared, completed, failed, restarted, sealed] = await Promise.all([
    newest('endpoint-declared', MOVES_LOOKED_AT),
    newest('rollout-completed', MOVES_LOOKED_AT),
    newest('rollout-failed', MOVES_LOOKED_AT),
    newest('serving-process-restarted', MOVES_LOOKED_AT),
    newest('prediction-segment-sealed', SEGMENTS_LOOKED_AT),
  ])
  const live = firstBy(completed, endpointIn)
  const failures = firstBy(failed, endpointIn)
  return [...firstBy(declared, endpointIn)].map(([endpoint, entry]) => {
    const rollout = live.get(endpoint)
    const failure = failures.get(endpoint)
    const segments = sealed.filter((each) => endpointIn(each) === endpoint)
    return {
      endpoint,
      model: textIn(entry, 'model'),
      revision: rollout === undefined ? null : integerIn(rollout, 'revision'),
      modelVersion: rollout === undefined ? null : textIn(rollout, 'modelVersion'),
      since: rollout === undefined ? null : writtenAt(rollout),
      shadows: listIn(entry, 'shadows').flatMap((each) => (typeof each === 'string' ? [each] : [])),
      // A failure that a later rollout made good is no longer news.
      failure:
        failure !== undefined && failure.position > (rollout?.position ?? -1)
          ? textIn(failure, 'reason')
          : null,
      restarts: restarted.filter((each) => endpointIn(each) === endpoint).length,
      sealedRows: segments.reduce((rows, each) => rows + (integerIn(each, 'rows') ?? 0), 0),
      sealedSegments: segments.length,
      position: entry.position,
    }
  })
}

function endpointIn(entry: Entry): string {
  return textIn(entry, 'endpoint') ?? ''
}
