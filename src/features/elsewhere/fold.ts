import type { Facets, JobEvent, Name, RunEvent, TaggedName } from './event.ts'
import type { KeptFacets, OutsideDataset, OutsideJob, OutsideRun, RunState, Use } from './run.ts'
import { keyOf } from './run.ts'

// Events come twice, late and in any order: what they add up to depends on the times they tell, not on when they came.

/** Of one thing; more are a fault of whoever sends them. */
const FACETS_MAX = 200

export function foldedFacets(kept: KeptFacets, told: Facets, atMs: number): KeptFacets {
  const newer = Object.entries(told).filter(([name, value]) => {
    const known = Object.hasOwn(kept, name) ? kept[name] : undefined
    if (known === undefined || atMs !== known.atMs) return known === undefined || atMs > known.atMs
    // Told at one moment: any order, but always the same.
    return JSON.stringify(value) > JSON.stringify(known.value)
  })
  if (newer.length === 0) return kept
  const next = new Map(Object.entries(kept))
  for (const [name, value] of newer)
    if (next.has(name) || next.size < FACETS_MAX) next.set(name, { atMs, value })
  return Object.fromEntries(next)
}

const STATE_OF: Readonly<Record<RunEvent['change'], RunState>> = {
  started: 'running',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  aborted: 'aborted',
  other: 'unknown',
}

/** Whatever is final stands above what is not; two of a kind at one moment: the worse one. */
const RANK: Readonly<Record<RunState, number>> = {
  unknown: 0,
  running: 1,
  completed: 2,
  aborted: 3,
  failed: 4,
}

export function isFinal(state: RunState): boolean {
  return RANK[state] >= RANK.completed
}

export function foldedRun(
  known: OutsideRun | undefined,
  event: RunEvent,
  place: string,
): OutsideRun {
  const { atMs } = event
  const run = known ?? newRun(event, place)
  const state = STATE_OF[event.change]
  const wins = isAbove({ state, atMs }, { state: run.state, atMs: run.stateMs })
  const next = wins ? { state, stateMs: atMs } : { state: run.state, stateMs: run.stateMs }
  const isLatest = atMs >= run.lastMs
  return {
    ...run,
    ...next,
    startedMs: event.change === 'started' ? Math.min(atMs, run.startedMs ?? atMs) : run.startedMs,
    endedMs: isFinal(next.state) ? next.stateMs : null,
    firstMs: Math.min(run.firstMs, atMs),
    lastMs: Math.max(run.lastMs, atMs),
    parent: (isLatest ? event.parent : null) ?? run.parent ?? event.parent,
    error: (isLatest ? event.error : null) ?? run.error ?? event.error,
    facets: foldedFacets(run.facets, event.run.facets, atMs),
    events: run.events + 1,
  }
}

function isAbove(
  one: { state: RunState; atMs: number },
  other: { state: RunState; atMs: number },
): boolean {
  const weight = (state: RunState) => (isFinal(state) ? 2 : Math.min(1, RANK[state]))
  if (weight(one.state) !== weight(other.state)) return weight(one.state) > weight(other.state)
  if (one.atMs !== other.atMs) return one.atMs > other.atMs
  return RANK[one.state] > RANK[other.state]
}

function newRun({ run, job, producer, atMs }: RunEvent, place: string): OutsideRun {
  return {
    id: run.id,
    place,
    job: { namespace: job.namespace, name: job.name },
    producer,
    state: 'unknown',
    stateMs: atMs,
    startedMs: null,
    endedMs: null,
    firstMs: atMs,
    lastMs: atMs,
    parent: null,
    error: null,
    facets: {},
    events: 0,
    onRecord: { began: false, parent: false, outcome: null },
  }
}

export function foldedJob(
  known: OutsideJob | undefined,
  event: RunEvent | JobEvent,
  place: string,
): OutsideJob {
  const { job, atMs } = event
  const base = known ?? {
    ...nameOf(job),
    key: keyOf(job),
    place,
    facets: {},
    inputs: [],
    outputs: [],
    lastRun: null,
    lastMs: atMs,
  }
  const isLatest = atMs >= base.lastMs
  const design =
    event.kind === 'job' && isLatest
      ? { inputs: event.inputs.map(nameOf), outputs: event.outputs.map(nameOf) }
      : {}
  const run = event.kind === 'run' && (isLatest || base.lastRun === null)
  return {
    ...base,
    ...design,
    ...(run ? { lastRun: event.run.id } : {}),
    facets: foldedFacets(base.facets, job.facets, atMs),
    lastMs: Math.max(base.lastMs, atMs),
  }
}

export function foldedDataset(
  known: OutsideDataset | undefined,
  dataset: TaggedName,
  told: { atMs: number; place: string; home: OutsideDataset['home'] },
): OutsideDataset {
  const base = known ?? {
    ...nameOf(dataset),
    key: keyOf(dataset),
    place: told.place,
    facets: {},
    lastMs: told.atMs,
    home: null,
  }
  return {
    ...base,
    home: told.home ?? base.home,
    facets: foldedFacets(base.facets, dataset.facets, told.atMs),
    lastMs: Math.max(base.lastMs, told.atMs),
  }
}

export function foldedUse(known: Use | undefined, use: Omit<Use, 'facets'>, facets: Facets): Use {
  const folded = foldedFacets(known?.facets ?? {}, facets, use.atMs)
  if (known === undefined) return { ...use, facets: folded }
  // Without a word of its version it is what it was taken for first.
  const base = use.version === null ? known : use
  return {
    ...base,
    atMs: Math.max(known.atMs, use.atMs),
    isTracked: known.isTracked || use.isTracked,
    facets: folded,
  }
}

export function nameOf({ namespace, name }: Name): Name {
  return { namespace, name }
}
