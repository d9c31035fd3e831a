import { Problem } from '#base/problem'
import type { Pin, PredictionRequest } from '../request.ts'

/** A revision that takes a share of an endpoint's requests. */
export interface Weighted {
  readonly revision: number
  /** The version of the registered model that it serves. */
  readonly version: number
  /** Relative to those of the others. With 0 it answers whoever names it and nobody else. */
  readonly weight: number
}

/** Who answers at an endpoint, and for how many; plain data, so that it can be sent to the plane. */
export interface RoutingTable {
  readonly endpoint: string
  readonly revisions: readonly Weighted[]
  /** Asked as well for a share of the requests, from 0 to 1; what they say is logged and never sent. */
  readonly shadows: readonly { readonly revision: number; readonly share: number }[]
  /** Whether a header may say which revision answers. */
  readonly override: 'refused' | 'allowed'
}

/** What a request says about who should answer. */
export interface Routed {
  readonly pin?: Pin | undefined
  readonly stickyKey?: string | undefined
  /** The header `x-route` of an earlier answer, `:3:`. */
  readonly route?: string | undefined
  /** A revision by number, or a version as `v3`, as headers that force a deployment name it. */
  readonly override?: string | undefined
}

/** Why a revision answers. Only those of `draw` and `key` were divided by weight, and say how revisions compare. */
export type RouteReason = 'draw' | 'key' | 'route' | 'pin' | 'override'

export interface Chosen {
  readonly revision: number
  readonly reason: RouteReason
  /** Shadows that are asked as well. */
  readonly shadows: readonly number[]
}

/**
 * Who answers a request. `draws` gives numbers from 0 to 1, below 1; none is taken where nothing is left to chance.
 * Throws `not-found` for a pin that nobody answers to, and `forbidden` for an override that the endpoint does not permit.
 */
export function routeOf(table: RoutingTable, asked: Routed, draws: () => number): Chosen {
  const chosen = chosenBy(table, asked, draws)
  const shadows = table.shadows.flatMap(({ revision, share }) =>
    revision !== chosen.revision && isDrawn(share, draws) ? [revision] : [],
  )
  return { ...chosen, shadows }
}

function chosenBy(
  table: RoutingTable,
  asked: Routed,
  draws: () => number,
): { revision: number; reason: RouteReason } {
  if (asked.pin !== undefined) return { revision: pinned(table, asked.pin), reason: 'pin' }
  if (asked.override !== undefined)
    return { revision: overridden(table, asked.override), reason: 'override' }
  const kept = asked.route === undefined ? undefined : routeIn(asked.route)
  if (kept !== undefined && weightOf(table, kept) > 0) return { revision: kept, reason: 'route' }
  if (asked.stickyKey !== undefined)
    return { revision: byKey(table, asked.stickyKey), reason: 'key' }
  return { revision: byWeight(table.revisions, draws), reason: 'draw' }
}

function isDrawn(share: number, draws: () => number): boolean {
  if (share >= 1) return true
  return share > 0 && draws() < share
}

/** The header that keeps a caller with the revision that answered. */
export function routeHeader(revision: number): string {
  return `:${revision}:`
}

/** The revision in such a header; undefined for any other text, so that a strange cookie does no harm. */
export function routeIn(header: string): number | undefined {
  const [, digits] = /^:(\d{1,15}):$/.exec(header) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** Throws `not-found`. A version that several revisions serve is answered by the newest of them. */
function pinned({ endpoint, revisions, shadows }: RoutingTable, pin: Pin): number {
  const found =
    pin.by === 'revision'
      ? revisions.find(({ revision }) => revision === pin.revision)
      : pin.by === 'version'
        ? revisions.findLast(({ version }) => version === pin.version)
        : undefined
  if (found !== undefined) return found.revision
  const wanted = pin.by === 'label' ? `label ${pin.label}` : wordsOf(pin)
  const served = revisions.map(({ revision, version }) => `${version} (revision ${revision})`)
  const shadowed = shadows.length === 0 ? '' : ', and shadows, which cannot be asked'
  throw new Problem(
    'not-found',
    `endpoint ${endpoint} has no ${wanted}; it serves version ${served.join(', ') || 'none'}${shadowed}`,
  )
}

function wordsOf(pin: Exclude<Pin, { by: 'label' }>): string {
  return pin.by === 'version' ? `version ${pin.version}` : `revision ${pin.revision}`
}

const OVERRIDE = /^(v)?(\d{1,15})$/

function overridden(table: RoutingTable, override: string): number {
  if (table.override === 'refused')
    throw new Problem(
      'forbidden',
      `endpoint ${table.endpoint} does not let callers choose a revision; set "override: true" for it in orrery.yaml, or leave the header out`,
    )
  const [, isVersion, digits] = OVERRIDE.exec(override) ?? []
  if (digits === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(override.slice(0, 100))} names no revision; write its number, or v and the number of the model version`,
    )
  const number = Number(digits)
  return pinned(
    table,
    isVersion === undefined
      ? { by: 'revision', revision: number }
      : { by: 'version', version: number },
  )
}

function weightOf({ revisions }: RoutingTable, revision: number): number {
  return revisions.find((each) => each.revision === revision)?.weight ?? 0
}

/** Throws `unavailable` when no revision takes traffic. */
function byWeight(revisions: readonly Weighted[], draws: () => number): number {
  const taking = revisions.filter(({ weight }) => weight > 0)
  const [only] = taking
  if (only === undefined) throw noTraffic()
  if (taking.length === 1) return only.revision
  const total = taking.reduce((sum, { weight }) => sum + weight, 0)
  let left = draws() * total
  for (const { revision, weight } of taking) {
    left -= weight
    if (left < 0) return revision
  }
  // Rounding may leave a trace at the end of the line.
  return (taking.at(-1) ?? only).revision
}

/**
 * Weighted rendezvous hashing: the revision with the least `-ln(u) / weight`, where `u` is a hash of key and
 * revision between 0 and 1. Each takes its share of all keys, and when weights change a key moves only to a
 * revision whose weight has grown relative to that of the one it leaves.
 */
function byKey({ endpoint, revisions }: RoutingTable, key: string): number {
  let best: number | undefined
  let least = Infinity
  for (const { revision, weight } of revisions) {
    if (weight <= 0) continue
    const score = -Math.log(unitHash(`${endpoint}\n${revision}\n${key}`)) / weight
    if (score < least || best === undefined) [best, least] = [revision, score]
  }
  if (best === undefined) throw noTraffic()
  return best
}

function noTraffic(): Problem {
  return new Problem('unavailable', 'no revision of this endpoint takes traffic now; try again')
}

/** FNV-1a over the text in two lanes, each finished as MurmurHash3 does; a number between 0 and 1, both left out. */
export function unitHash(text: string): number {
  let one = 0x811c9dc5
  let two = 0x9e3779b9
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    one = Math.imul(one ^ unit, 0x01000193)
    two = Math.imul(two ^ unit, 0x01000193)
    two = (two << 5) | (two >>> 27)
  }
  const high = finished(one ^ Math.imul(two, 0x85ebca6b)) >>> 5
  const low = finished(two ^ Math.imul(one, 0xc2b2ae35)) >>> 6
  return (high * 0x4000000 + low + 0.5) / 0x20000000000000
}

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Headers that force a revision, the first that is sent wins: ours, Azure's and SageMaker's. */
export const OVERRIDE_HEADERS = [
  'x-orrery-revision',
  'azureml-model-deployment',
  'x-amzn-sagemaker-target-variant',
] as const

/** The header that names the caller or the entity, where an endpoint says no other. */
export const STICKY_HEADER = 'x-sticky-key'

/** What the headers of a request, in lower case, say about who should answer. */
export function routedBy(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  stickyHeader: string = STICKY_HEADER,
): Pick<PredictionRequest, 'override' | 'route' | 'stickyKey'> {
  const first = (name: string): string | undefined => {
    const value = headers[name]
    const text = typeof value === 'string' ? value : value?.[0]
    return text === undefined || text === '' ? undefined : text
  }
  const override = OVERRIDE_HEADERS.map(first).find((value) => value !== undefined)
  const stickyKey = first(stickyHeader)
  const route = first('x-route')
  return {
    ...(override === undefined ? {} : { override }),
    ...(stickyKey === undefined ? {} : { stickyKey }),
    ...(route === undefined ? {} : { route }),
  }
}
