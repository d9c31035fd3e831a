import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Fact, Transact } from '#ledger'
import type { DatasetEvent, JobEvent, OutsideEvent, RunEvent, UsedDataset } from './event.ts'
import * as facts from './facts.ts'
import { foldedDataset, foldedJob, foldedRun, foldedUse, isFinal, nameOf } from './fold.ts'
import type { Homes } from './homes.ts'
import {
  keyOf,
  type EventNote,
  type Home,
  type OutsideDataset,
  type OutsideJob,
  type OutsideRun,
  type Use,
} from './run.ts'
import type { OutsideReads, OutsideWrites } from './store.ts'

/** What other systems ran: their runs, jobs and datasets, and how these hang together with ours. */
export interface Elsewhere {
  /** Takes an event; false where it was taken before. */
  take(actor: Actor, event: OutsideEvent): Promise<boolean>
  /** Throws `not-found`. */
  run(id: string): Promise<{ run: OutsideRun; uses: Use[]; events: EventNote[] }>
  readonly list: Pick<OutsideReads, 'runs' | 'jobs' | 'datasets'>
  /** Throws `not-found`. */
  job(namespace: string, name: string): Promise<OutsideJob>
  /** Throws `not-found`. */
  dataset(namespace: string, name: string): Promise<{ dataset: OutsideDataset; uses: Use[] }>
}

interface Dependencies {
  readonly read: OutsideReads
  readonly transact: Transact<{ outside: OutsideWrites }>
  readonly homes: Homes
  readonly clock: Clock
  readonly ids: Ids
}

const EVENTS_SHOWN = 200
const USES_SHOWN = 200

export function createElsewhere(dependencies: Dependencies): Elsewhere {
  const { read } = dependencies
  return {
    take: (actor, event) => taken(dependencies, actor, event),
    run: async (id) => {
      const run = await read.run(id)
      if (run === undefined)
        throw new Problem(
          'not-found',
          `no run ${id} of another system is known here; "orrery lineage runs" lists those that are`,
        )
      const [uses, events] = [await read.usesIn(id), await read.events(id, EVENTS_SHOWN)]
      return { run, uses, events }
    },
    list: { runs: read.runs, jobs: read.jobs, datasets: read.datasets },
    job: async (namespace, name) => {
      const job = await read.job(keyOf({ namespace, name }))
      if (job !== undefined) return job
      throw new Problem(
        'not-found',
        `no job ${name} of ${namespace} is known here; "orrery lineage jobs" lists those that are`,
      )
    },
    dataset: async (namespace, name) => {
      const dataset = await read.dataset(keyOf({ namespace, name }))
      if (dataset !== undefined)
        return { dataset, uses: await read.usesOf(dataset.key, USES_SHOWN) }
      throw new Problem(
        'not-found',
        `no dataset ${name} of ${namespace} is known here; "orrery lineage datasets" lists those that are`,
      )
    },
  }
}

/** A use as an event tells it, before it is held against what is kept. */
interface ToldUse {
  readonly role: Use['role']
  readonly dataset: UsedDataset
  readonly home: Home | null
  readonly ref: Use['ref']
}

async function taken(
  { transact, read, homes, ids }: Dependencies,
  actor: Actor,
  event: OutsideEvent,
): Promise<boolean> {
  if (await read.hasEvent(event.digest)) return false
  const place = ids.ulid()
  // Found before the transaction, which may wait for nothing but its stores.
  const told = event.kind === 'dataset' ? [] : await toldUses(homes, event)
  const home = event.kind === 'dataset' ? await homes.of(event.dataset) : null
  return transact(async ({ outside, ledger }) => {
    if (await outside.hasEvent(event.digest)) return false
    const { digest, atMs, producer, kind } = event
    const change = kind === 'run' ? event.change : kind
    const run = kind === 'run' ? event.run.id : null
    await outside.addEvent({ digest, atMs, producer, run, change })
    if (event.kind === 'dataset') await keepDataset(outside, event, { place, home })
    else {
      await keepJob(outside, event, place)
      for (const each of told)
        await keepDataset(
          outside,
          { dataset: each.dataset, atMs },
          { place: ids.ulid(), home: each.home },
        )
    }
    if (event.kind === 'run')
      await ledger.append(actor, await keepRun(outside, event, { place, told }))
    return true
  })
}

async function toldUses(homes: Homes, event: RunEvent | JobEvent): Promise<ToldUse[]> {
  const { atMs } = event
  const told: ToldUse[] = []
  for (const role of ['input', 'output'] as const)
    for (const dataset of role === 'input' ? event.inputs : event.outputs) {
      const home = await homes.of(dataset)
      told.push({ role, dataset, home, ref: await homes.ref(dataset, { home, role, atMs }) })
    }
  return told
}

async function keepDataset(
  outside: OutsideWrites,
  { dataset, atMs }: Pick<DatasetEvent, 'dataset' | 'atMs'>,
  { place, home }: { place: string; home: Home | null },
): Promise<void> {
  const known = await outside.dataset(keyOf(dataset))
  await outside.saveDataset(foldedDataset(known, dataset, { atMs, place, home }))
}

async function keepJob(
  outside: OutsideWrites,
  event: RunEvent | JobEvent,
  place: string,
): Promise<void> {
  await outside.saveJob(foldedJob(await outside.job(keyOf(event.job)), event, place))
}

/** Keeps what the run came to, and gives the facts that are new by that. */
async function keepRun(
  outside: OutsideWrites,
  event: RunEvent,
  { place, told }: { place: string; told: readonly ToldUse[] },
): Promise<Fact[]> {
  const run = foldedRun(await outside.run(event.run.id), event, place)
  const fresh = await keepUses(outside, event, told)
  const { began, parent, outcome } = run.onRecord
  const hasParent = run.parent !== null
  const ended = isFinal(run.state) && run.state !== outcome
  await outside.saveRun({
    ...run,
    onRecord: { began: true, parent: parent || hasParent, outcome: ended ? run.state : outcome },
  })
  return [
    ...(began ? [] : [facts.runBegan(run)]),
    ...(began && hasParent && !parent ? [facts.runPlaced(run)] : []),
    ...facts.dataUsed(run, fresh),
    ...(ended ? [facts.runEnded(run)] : []),
  ]
}

/** Keeps what was told of data, and gives what leads to a node that the run did not lead to before. */
async function keepUses(
  outside: OutsideWrites,
  { run, atMs }: RunEvent,
  told: readonly ToldUse[],
): Promise<Use[]> {
  const known = new Map((await outside.usesIn(run.id)).map((use) => [useKey(use), use]))
  const fresh: Use[] = []
  for (const { role, dataset, home, ref } of told) {
    const { version } = dataset
    const given = { run: run.id, role, dataset: nameOf(dataset), atMs, version, home, ref }
    const before = known.get(useKey(given))
    const isTracked = ref.kind === 'dataset-version'
    const use = foldedUse(before, { ...given, isTracked }, { ...dataset.facets, ...dataset.ofUse })
    await outside.saveUse(use)
    known.set(useKey(use), use)
    if (before === undefined || before.ref.id !== use.ref.id) fresh.push(use)
  }
  return fresh
}

function useKey({ role, dataset }: Pick<Use, 'role' | 'dataset'>): string {
  return `${role} ${keyOf(dataset)}`
}
