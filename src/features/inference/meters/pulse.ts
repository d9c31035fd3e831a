import { Problem } from '#base/problem'
import type { RoutingTable } from '../routing/routing.ts'
import type { Tensor } from '../tensor.ts'

/** What the revisions of one endpoint did in a short span, under one division of its traffic; plain data. */
export interface Pulse {
  readonly endpoint: string
  readonly weights: readonly { readonly revision: number; readonly weight: number }[]
  readonly revisions: readonly RevisionPulse[]
}

/** Of requests that weight gave to a revision; who chose his revision himself says nothing of how revisions compare. */
export interface RevisionPulse {
  readonly revision: number
  readonly requests: number
  /** Not answered through the fault of the model: it failed, hung, died or was not there. */
  readonly faults: number
  /** Refused as wrong by this revision. */
  readonly refusals: number
  /** How many took how long, by `latencyBin`. */
  readonly latencies: readonly (readonly [bin: number, count: number])[]
  /** How often the first row was answered with what, by `outcomeOf`. */
  readonly outcomes: readonly (readonly [outcome: string, count: number])[]
}

/** How a request ended, as far as revisions are compared by it. */
export interface Ended {
  readonly revision: number
  readonly tookMs: number
  readonly outputs?: readonly Tensor[] | undefined
  readonly error?: unknown
}

interface Counts {
  requests: number
  faults: number
  refusals: number
  readonly latencies: Map<number, number>
  readonly outcomes: Map<string, number>
}

/** Different outcomes that are told apart in one span; more are counted together. */
const OUTCOMES_MAX = 400
const OTHER_OUTCOMES = '…'

/** Counts how requests end at endpoints that more than one revision answers, until the counts are taken. */
export function createPulses() {
  // By the table itself: after a change of weights nothing is counted as if it had been divided by the new ones.
  const open = new Map<RoutingTable, Map<number, Counts>>()
  return {
    note: (table: RoutingTable, ended: Ended): void => {
      if (table.revisions.length < 2) return
      const kind = kindOf(ended.error)
      if (kind === 'neither') return
      const counts = countsIn(open, table, ended.revision)
      counts.requests += 1
      if (kind === 'fault') counts.faults += 1
      if (kind === 'refusal') counts.refusals += 1
      else increase(counts.latencies, latencyBin(ended.tookMs))
      if (ended.outputs !== undefined) noteOutcome(counts.outcomes, outcomeOf(ended.outputs))
    },
    /** What was counted since they were last taken, in the order in which tables came. */
    take: (): Pulse[] => {
      const pulses = [...open].map(([table, revisions]) => pulseOf(table, revisions))
      open.clear()
      return pulses
    },
  }
}

export type Pulses = ReturnType<typeof createPulses>

function countsIn(
  open: Map<RoutingTable, Map<number, Counts>>,
  table: RoutingTable,
  revision: number,
): Counts {
  let revisions = open.get(table)
  if (revisions === undefined) open.set(table, (revisions = new Map<number, Counts>()))
  let counts = revisions.get(revision)
  if (counts === undefined) {
    counts = { requests: 0, faults: 0, refusals: 0, latencies: new Map(), outcomes: new Map() }
    revisions.set(revision, counts)
  }
  return counts
}

function pulseOf(table: RoutingTable, revisions: ReadonlyMap<number, Counts>): Pulse {
  return {
    endpoint: table.endpoint,
    weights: table.revisions.map(({ revision, weight }) => ({ revision, weight })),
    revisions: [...revisions].map(([revision, counts]) => ({
      revision,
      requests: counts.requests,
      faults: counts.faults,
      refusals: counts.refusals,
      latencies: [...counts.latencies].toSorted(([one], [other]) => one - other),
      outcomes: [...counts.outcomes],
    })),
  }
}

/** Whose doing it is that a request was not answered: the model's, the caller's, or that of neither. */
function kindOf(error: unknown): 'answer' | 'fault' | 'refusal' | 'neither' {
  if (error === undefined) return 'answer'
  if (!(error instanceof Problem)) return 'fault'
  if (error.code === 'invalid') return 'refusal'
  const isModels = ['timeout', 'unavailable', 'unsupported'].includes(error.code)
  return isModels ? 'fault' : 'neither'
}

function noteOutcome(outcomes: Map<string, number>, outcome: string | undefined): void {
  if (outcome === undefined) return
  const isKnown = outcomes.has(outcome) || outcomes.size < OUTCOMES_MAX
  increase(outcomes, isKnown ? outcome : OTHER_OUTCOMES)
}

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Where the first bin ends and the second begins. */
const FIRST_EDGE_MS = 0.05
const BINS_PER_DOUBLING = 16

/** The bin of a time; a bin is 4.4 % wide. */
export function latencyBin(ms: number): number {
  if (!(ms > FIRST_EDGE_MS)) return 0
  // Rounding must not put a time that lies on an edge below it.
  return Math.max(0, 1 + Math.floor(BINS_PER_DOUBLING * Math.log2(ms / FIRST_EDGE_MS) + 1e-9))
}

/** The least time that falls into a bin. */
export function latencyEdgeMs(bin: number): number {
  return bin <= 0 ? 0 : FIRST_EDGE_MS * 2 ** ((bin - 1) / BINS_PER_DOUBLING)
}

/** A long label differs from another within so many characters, or not at all. */
const OUTCOME_CHARS_MAX = 60

/**
 * What a model said to the first row, in few words: a label as it is, a number to two digits, the place of the
 * largest of several numbers.
 */
function outcomeOf(outputs: readonly Tensor[]): string | undefined {
  const scalar = outputs.find(({ shape, data }) => data.length > 0 && widthOf(shape) === 1)
  if (scalar !== undefined) return worded(scalar.data[0])
  const [first] = outputs
  if (first === undefined || first.data.length === 0) return undefined
  let best = 0
  for (let at = 1; at < Math.min(widthOf(first.shape), first.data.length); at++)
    if (Number(first.data[at]) > Number(first.data[best])) best = at
  return `#${best}`
}

function widthOf(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1)
}

function worded(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value))
    return `${Number(value.toPrecision(2))}`
  return String(value).slice(0, OUTCOME_CHARS_MAX)
}
