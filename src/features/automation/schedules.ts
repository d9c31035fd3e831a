import { platformActor, type Fact } from '#ledger'
import { nextTick, ticksBetween, triggersOf, type Project, type TriggerOf } from '#projects'
import type { AutomationTx } from './firing.ts'
import type { AutomationReads, MarkName } from './store.ts'

/** A schedule of a policy. */
export interface PolicySchedule {
  readonly project: string
  readonly policy: string
  readonly schedule: TriggerOf<'schedule'>
}

/** A tick that is still to come. */
export interface ComingTick extends PolicySchedule {
  readonly atMs: number
}

/** Ticks of one schedule that are caught up with at once; of more, the newest. */
const CATCH_UP_MAX = 1000
/** A tick that is taken later than this after its time was missed, whoever was there. */
const LATE_MS = 5 * 60_000

/** The schedules of all policies that are switched on. */
export function schedulesOf(projects: readonly Project[]): PolicySchedule[] {
  return projects.flatMap(({ name: project, config }) =>
    Object.entries(config.policies)
      .filter(([, policy]) => policy.enabled !== false)
      .flatMap(([policy, given]) => {
        const schedules = triggersOf(given).filter((trigger) => trigger.kind === 'schedule')
        const known = new Map(schedules.map((each) => [`${each.timezone} ${each.cron}`, each]))
        return [...known.values()].map((schedule) => ({ project, policy, schedule }))
      }),
  )
}

/** The coming ticks in their order. */
export function comingTicks(
  schedules: readonly PolicySchedule[],
  { afterMs, limit }: { afterMs: number; limit: number },
): ComingTick[] {
  const heads = schedules.map((each) => ({ each, atMs: nextTick(each.schedule, afterMs) }))
  const ticks: ComingTick[] = []
  while (ticks.length < limit) {
    const head = heads
      .filter(({ atMs }) => atMs !== undefined)
      .toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))[0]
    if (head?.atMs === undefined) break
    ticks.push({ ...head.each, atMs: head.atMs })
    head.atMs = nextTick(head.each.schedule, head.atMs)
  }
  return ticks
}

function markOf({ project, policy, schedule }: PolicySchedule): MarkName {
  return { kind: 'schedule', project, name: `${policy} ${schedule.timezone} ${schedule.cron}` }
}

interface Look {
  readonly nowMs: number
  /** Since when this server has been looking without a break. */
  readonly sinceMs: number
}

/** Tells the ticks that have passed since each schedule was last looked at, each once; one that is new begins now. */
export async function tellTicks(
  dependencies: {
    read: AutomationReads
    transact: <T>(work: (tx: AutomationTx) => Promise<T>) => Promise<T>
  },
  schedules: readonly PolicySchedule[],
  look: Look,
): Promise<void> {
  const { read, transact } = dependencies
  const marks = await read.marks('schedule')
  const seen = new Map(marks.map((mark) => [`${mark.project} ${mark.name}`, Number(mark.value)]))
  for (const each of schedules) {
    const mark = markOf(each)
    const seenMs = seen.get(`${mark.project} ${mark.name}`)
    seen.delete(`${mark.project} ${mark.name}`)
    const due = seenMs === undefined ? look.nowMs : nextTick(each.schedule, seenMs)
    if (due !== undefined && due <= look.nowMs) await transact((tx) => take(tx, each, look))
  }
  const gone = marks.filter(({ project, name }) => seen.has(`${project} ${name}`))
  if (gone.length > 0)
    await transact(async ({ automation }) => {
      for (const mark of gone) await automation.dropMark(mark)
    })
}

async function take(tx: AutomationTx, each: PolicySchedule, look: Look): Promise<void> {
  const name = markOf(each)
  // Read again where nobody else can write: another server may have been quicker.
  const mark = await tx.automation.mark(name)
  const seenMs = mark === undefined ? look.nowMs : Number(mark.value)
  const { ticks, count } = ticksBetween(each.schedule, {
    afterMs: seenMs,
    untilMs: look.nowMs,
    max: CATCH_UP_MAX,
  })
  if (mark !== undefined && ticks.length === 0) return
  await tx.automation.saveMark({ ...name, value: String(look.nowMs), atMs: look.nowMs })
  const facts = factsOf(each, { ticks, count, look })
  if (facts.length > 0) await tx.ledger.append(platformActor('schedules'), facts)
}

function factsOf(
  each: PolicySchedule,
  { ticks, count, look }: { ticks: readonly number[]; count: number; look: Look },
): Fact[] {
  const isLate = (tick: number) => tick < look.sinceMs || look.nowMs - tick > LATE_MS
  const late = ticks.filter(isLate)
  const inTime = ticks.filter((tick) => !isLate(tick)).map((tick) => ticked(each, tick, {}))
  const dropped = count - ticks.length
  switch (each.schedule.catchUp) {
    case 'none':
      return [...missed(each, late, late.length + dropped), ...inTime]
    case 'last': {
      const last = late.at(-1)
      // One that is due now takes the place of those before it.
      if (last === undefined || inTime.length > 0)
        return [...missed(each, late, late.length + dropped), ...inTime]
      return [ticked(each, last, { late: true, passedOver: late.length - 1 + dropped })]
    }
    case 'all':
  }
  return [
    ...missed(each, late.slice(0, dropped > 0 ? 1 : 0), dropped),
    ...late.map((tick) => ticked(each, tick, { late: true })),
    ...inTime,
  ]
}

function ticked(each: PolicySchedule, tickMs: number, how: Fact['data']): Fact {
  const { project, policy, schedule } = each
  return {
    type: 'schedule-ticked',
    data: {
      project,
      policy,
      cron: schedule.cron,
      timezone: schedule.timezone,
      tick: new Date(tickMs).toISOString(),
      date: dateIn(schedule.timezone, tickMs),
      ...how,
    },
    eventMs: tickMs,
  }
}

/** That ticks were missed and nothing comes of them. */
function missed(each: PolicySchedule, late: readonly number[], count: number): Fact[] {
  const newest = late.at(-1)
  if (count === 0 || newest === undefined) return []
  const { project, policy, schedule } = each
  const ticks = count === 1 ? 'A tick' : `${count} ticks`
  const why = `${ticks} of ${policy} passed while no server looked, and ${schedule.catchUp === 'none' ? 'catch_up: none lets them go' : 'others take their place'}.`
  return [
    {
      type: 'schedule-missed',
      data: {
        project,
        policy,
        cron: schedule.cron,
        timezone: schedule.timezone,
        catchUp: schedule.catchUp,
        count,
        newest: new Date(newest).toISOString(),
        why,
      },
      eventMs: newest,
    },
  ]
}

/** The day that it is there at that moment, as 2026-03-29. */
function dateIn(timezone: string, ms: number): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return parts.format(new Date(ms))
}
