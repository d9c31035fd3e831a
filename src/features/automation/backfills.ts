import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import { platformActor, type Actor, type Entry, type LedgerWrites } from '#ledger'
import type { Requests, RequestTx } from '#pipelines'
import type { Projects } from '#projects'
import {
  backfillFinished,
  backfillStarted,
  dateOfRequest,
  datesOf,
  differsByDate,
  orderFor,
  requestFor,
  type Backfill,
  type BackfillDate,
  type BackfillState,
} from './backfill.ts'
import type { BackfillReads, BackfillWrites, DateCounts } from './store.ts'

export interface NewBackfill {
  readonly project: string
  readonly targets: readonly string[]
  readonly fromMs: number
  readonly toMs: number
  readonly every: string
  readonly parallel: number
  readonly set: readonly string[]
  /** Runs stages that are up to date as well; undefined does where nothing that is set differs from date to date. */
  readonly force: boolean | undefined
}

export interface ShownBackfill extends Backfill {
  readonly counts: DateCounts
}

export interface Backfills {
  /** What would be run. Throws `invalid`. */
  plan(
    asked: NewBackfill,
  ): Promise<{ backfill: Backfill; dates: { startMs: number; endMs: number }[] }>
  start(actor: Actor, asked: NewBackfill): Promise<ShownBackfill>
  get(id: string): Promise<ShownBackfill>
  list(page: { limit: number; before?: string; project?: string }): Promise<ShownBackfill[]>
  dates(
    id: string,
    page: { limit: number; after?: number; state?: BackfillDate['state'] },
  ): Promise<BackfillDate[]>
  /** Ends what runs and begins no more. */
  cancel(actor: Actor, id: string, reason: string | null): Promise<ShownBackfill>
  /** Begins the dates again that failed or were cancelled. */
  resume(actor: Actor, id: string): Promise<ShownBackfill>
}

export type BackfillTx = RequestTx & {
  readonly automation: BackfillWrites
  readonly ledger: LedgerWrites
}

interface Dependencies<Tx extends BackfillTx> {
  readonly read: BackfillReads
  readonly transact: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  readonly projects: Projects
  readonly requests: Requests<Tx>
  readonly clock: Clock
  readonly ids: Ids
}

export function createBackfills<Tx extends BackfillTx>(dependencies: Dependencies<Tx>): Backfills {
  const { read, transact, projects, requests, clock, ids } = dependencies

  const plan = async (asked: NewBackfill) => {
    const { commit } = await projects.get(asked.project)
    const dates = datesOf(asked)
    const backfill: Backfill = {
      ...asked,
      id: `backfill-${ids.ulid()}`,
      force: asked.force ?? !differsByDate(asked.set),
      commit,
      state: 'running',
      createdMs: clock.nowMs(),
      endedMs: null,
    }
    return { backfill, dates }
  }

  return {
    plan,
    start: async (actor, asked) => {
      const { backfill, dates } = await plan(asked)
      return transact(async (tx) => {
        await begin(tx, { actor, backfill, dates })
        await advance(tx, backfill.id, dependencies)
        return withCounts(tx.automation, backfill)
      })
    },
    get: async (id) => withCounts(read, known(await read.findBackfill(id), id)),
    list: async (page) =>
      Promise.all((await read.listBackfills(page)).map((each) => withCounts(read, each))),
    dates: async (id, page) => {
      known(await read.findBackfill(id), id)
      return read.dates(id, page)
    },
    cancel: async (actor, id, reason) => {
      const running = await transact((tx) => cancelled(tx, { actor, id, nowMs: clock.nowMs() }))
      for (const { request } of running)
        if (request !== null) await requests.cancel(actor, request, reason).catch(ignoreEnded)
      return withCounts(read, known(await read.findBackfill(id), id))
    },
    resume: async (actor, id) =>
      transact(async (tx) => {
        const backfill = await reopened(tx, actor, id)
        await advance(tx, id, dependencies)
        return withCounts(tx.automation, backfill)
      }),
  }
}

async function withCounts(read: BackfillReads, backfill: Backfill): Promise<ShownBackfill> {
  return { ...backfill, counts: await read.countDates(backfill.id) }
}

async function begin(
  { automation, ledger }: BackfillTx,
  {
    actor,
    backfill,
    dates,
  }: { actor: Actor; backfill: Backfill; dates: { startMs: number; endMs: number }[] },
): Promise<void> {
  await automation.saveBackfill(backfill)
  const fresh = { state: 'waiting', tries: 0, request: null, reason: null } as const
  await automation.saveDates(
    dates.map(({ startMs, endMs }, number) => ({
      backfill: backfill.id,
      number,
      startMs,
      endMs,
      ...fresh,
    })),
  )
  await ledger.append(actor, [backfillStarted(backfill, dates.length)])
}

async function reopened(
  { automation, ledger }: BackfillTx,
  actor: Actor,
  id: string,
): Promise<Backfill> {
  const backfill = known(await automation.findBackfill(id), id)
  const dates = await automation.reopenDates(id)
  if (dates === 0) throw new Problem('conflict', `no date of ${id} has failed or was cancelled`)
  const resumed: Backfill = { ...backfill, state: 'running', endedMs: null }
  await automation.saveBackfill(resumed)
  await ledger.append(actor, [
    { type: 'backfill-resumed', data: { backfill: id, project: backfill.project, dates } },
  ])
  return resumed
}

/** Takes in how the run of a date ended, and begins the next. Called for each `run-finished` once. */
export async function followBackfills<Tx extends BackfillTx>(
  entry: Entry,
  tx: Tx,
  dependencies: Pick<Dependencies<Tx>, 'requests' | 'clock'>,
): Promise<void> {
  const { request, outcome, reason } = entry.data as Record<string, string | null>
  const of = dateOfRequest(request ?? '')
  if (of === undefined) return
  const date = await tx.automation.findDate(of.backfill, of.number)
  if (date === undefined || date.tries !== of.tries) return
  const state = outcome === 'succeeded' || outcome === 'cancelled' ? outcome : 'failed'
  await tx.automation.saveDates([{ ...date, state, reason: reason ?? null }])
  await advance(tx, of.backfill, dependencies)
}

/** Asks for as many runs as there is room for; ends the backfill after its last. */
async function advance<Tx extends BackfillTx>(
  tx: Tx,
  id: string,
  { requests, clock }: Pick<Dependencies<Tx>, 'requests' | 'clock'>,
): Promise<void> {
  const backfill = known(await tx.automation.findBackfill(id), id)
  if (backfill.state !== 'running') return
  const { running } = await tx.automation.countDates(id)
  const room = Math.max(0, backfill.parallel - running)
  const next = await tx.automation.dates(id, { limit: Math.max(1, room), state: 'waiting' })
  const actor = platformActor(`backfill:${id}`)
  for (const date of next.slice(0, room)) {
    const begun: BackfillDate = { ...date, state: 'running', tries: date.tries + 1, reason: null }
    const request = requestFor(begun)
    await tx.automation.saveDates([{ ...begun, request }])
    await requests.askIn(tx, actor, {
      ...orderFor(backfill, date),
      id: request,
      project: backfill.project,
      commit: backfill.commit,
      targets: backfill.targets,
      force: backfill.force,
      lane: { name: id, limit: backfill.parallel },
    })
  }
  if (running > 0 || next.length > 0) return
  const counts = await tx.automation.countDates(id)
  const state: BackfillState = counts.failed + counts.cancelled > 0 ? 'failed' : 'succeeded'
  const ended: Backfill = { ...backfill, state, endedMs: clock.nowMs() }
  await tx.automation.saveBackfill(ended)
  await tx.ledger.append(actor, [backfillFinished(ended, counts)])
}

/** Ends a backfill; gives the dates that still run. */
async function cancelled(
  tx: BackfillTx,
  { actor, id, nowMs }: { actor: Actor; id: string; nowMs: number },
): Promise<BackfillDate[]> {
  const backfill = known(await tx.automation.findBackfill(id), id)
  if (backfill.state !== 'running')
    throw new Problem('conflict', `the backfill ${id} ${backfill.state} already`)
  await tx.automation.cancelDates(id)
  const ended: Backfill = { ...backfill, state: 'cancelled', endedMs: nowMs }
  await tx.automation.saveBackfill(ended)
  await tx.ledger.append(actor, [backfillFinished(ended, await tx.automation.countDates(id))])
  return tx.automation.dates(id, { limit: backfill.parallel, state: 'running' })
}

function known(backfill: Backfill | undefined, id: string): Backfill {
  if (backfill !== undefined) return backfill
  throw new Problem('not-found', `there is no backfill ${id}; "orrery backfill list" lists them`)
}

/** A run that is over needs no end. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof Problem && error.code === 'conflict')) throw error
}
