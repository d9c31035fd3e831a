import { durationMs, type AlertRoute } from '#projects'
import { silencedUntilMs, type Silence } from './silence.ts'
import { isOpen, type Labels, type Severity, type Trouble } from './trouble.ts'

/** Troubles that are told together, from the first one to the end of the last. */
export interface Group {
  readonly id: string
  /** The project, the route and the labels that its troubles agree in. */
  readonly key: string
  readonly project: string
  readonly route: AlertRoute
  readonly labels: Labels
  readonly isOpen: boolean
  readonly openedMs: number
  /** Ids of its troubles. */
  readonly members: readonly string[]
  /** What receivers know of it. */
  readonly told: readonly Told[]
  readonly firstToldMs: number | null
  /** When anything new was told, or the same again. */
  readonly lastToldMs: number | null
  readonly lastRefreshedMs: number | null
  /** Who was told. */
  readonly destinations: readonly string[]
  /** Steps of escalation that were taken. */
  readonly escalated: number
  /** Messages so far: what makes the next one's name. */
  readonly messages: number
  /** The job that is to look at it next, and when. */
  readonly turn: { readonly key: string; readonly atMs: number } | null
}

interface Told {
  readonly id: string
  readonly state: 'raised' | 'acknowledged' | 'cleared'
  readonly severity: Severity
}

export type Reason =
  | 'raised'
  | 'changed'
  | 'acknowledged'
  | 'escalated'
  | 'repeated'
  | 'recovered'
  /** For receivers that forget what they are not told again. */
  | 'refreshed'

/** What is to be told now, and to whom. */
export interface Telling {
  readonly reason: Reason
  readonly to: readonly string[]
  /** Ids of what is new in this message. */
  readonly news: readonly string[]
}

export interface Step {
  readonly group: Group
  readonly tellings: readonly Telling[]
  /** When to look again; null when only something that happens can change anything. */
  readonly nextMs: number | null
}

const WAIT = '10s'
const INTERVAL = '5m'
const REPEAT = '12h'
/** So often a receiver that forgets is told what still holds. */
export const REFRESH_MS = 600_000
/** Beyond, the oldest that are over are let go. */
const MEMBERS_MAX = 500

interface View {
  readonly silences: readonly Silence[]
  readonly nowMs: number
  /** Which destinations forget what they are not told again. */
  readonly forgetful: ReadonlySet<string>
}

/** What is due for a group: decided here, done elsewhere. `troubles` are its members. */
export function stepOf(group: Group, troubles: readonly Trouble[], view: View): Step {
  let at: Step = { group, tellings: [], nextMs: null }
  // What one telling settles is not due a second time: a handful of turns is always enough.
  for (let turn = 0; turn < 8; turn++) {
    const { telling, nextMs } = dueOf(at.group, troubles, view)
    if (telling === undefined) return { ...at, group: closedIf(at.group, troubles), nextMs }
    at = {
      group: toldGroup(at.group, troubles, { telling, nowMs: view.nowMs }),
      tellings: [...at.tellings, telling],
      nextMs,
    }
  }
  return { ...at, nextMs: view.nowMs + durationMs(WAIT) }
}

interface Due {
  readonly telling?: Telling
  readonly nextMs: number | null
}

function dueOf(group: Group, troubles: readonly Trouble[], view: View): Due {
  const { nowMs, silences } = view
  const known = new Map(group.told.map((each) => [each.id, each]))
  const ends = new Map(troubles.map((each) => [each.id, silencedUntilMs(each, silences, nowMs)]))
  const isHeard = ({ id }: Trouble) => ends.get(id) === undefined
  const open = troubles.filter(isOpen)
  const fresh = open.filter((each) => isHeard(each) && isNews(each, known.get(each.id)))
  const over = troubles.filter((each) => !isOpen(each) && isTold(known.get(each.id)))
  const unanswered = open.filter(
    (each) => isHeard(each) && each.acknowledged === null && isTold(known.get(each.id)),
  )
  const heard = open.filter(
    (each) => each.acknowledged !== null && known.get(each.id)?.state === 'raised',
  )
  const later = [
    ...[...ends.values()].filter((each) => each !== undefined),
    ...changeDue(group, { fresh, over, known, troubles }),
    ...escalationDue(group, unanswered),
    ...refreshDue(group, open.length > 0, view),
  ]
  const telling = tellingAt(group, { fresh, over, unanswered, heard, open, known, troubles }, view)
  const next = later.filter((ms) => ms > nowMs)
  return {
    ...(telling === undefined ? {} : { telling }),
    nextMs: next.length === 0 ? null : Math.min(...next),
  }
}

interface Sorted {
  readonly fresh: readonly Trouble[]
  readonly over: readonly Trouble[]
  readonly unanswered: readonly Trouble[]
  readonly heard: readonly Trouble[]
  readonly open: readonly Trouble[]
  readonly known: ReadonlyMap<string, Told>
  readonly troubles: readonly Trouble[]
}

function tellingAt(group: Group, sorted: Sorted, view: View): Telling | undefined {
  const { nowMs } = view
  const { fresh, over, unanswered, heard } = sorted
  const isDue = (times: readonly number[]) => times.some((ms) => ms <= nowMs)
  const { destinations } = group
  if (isDue(changeDue(group, sorted))) {
    const isEnd = fresh.length === 0 && !stillTold(sorted)
    const reason = group.firstToldMs === null ? 'raised' : isEnd ? 'recovered' : 'changed'
    const to = [...new Set([...group.route.to, ...destinations])]
    return { reason, to, news: [...fresh, ...over].map(({ id }) => id) }
  }
  if (heard.length > 0)
    return { reason: 'acknowledged', to: destinations, news: heard.map(({ id }) => id) }
  const step = group.route.escalate?.[group.escalated]
  if (step !== undefined && unanswered.length > 0 && isDue(stepDue(group)))
    return { reason: 'escalated', to: step.to, news: [] }
  if (unanswered.length > 0 && isDue(repeatDue(group)))
    return { reason: 'repeated', to: destinations, news: [] }
  if (isDue(refreshDue(group, sorted.open.length > 0, view)))
    return {
      reason: 'refreshed',
      to: destinations.filter((name) => view.forgetful.has(name)),
      news: [],
    }
  return undefined
}

/** Whether receivers still believe that something is wrong, and it is. */
function stillTold({ open, known }: Pick<Sorted, 'open' | 'known'>): boolean {
  return open.some(({ id }) => isTold(known.get(id)))
}

/** When what has come up or gone may be told. */
function changeDue(
  { openedMs, firstToldMs, lastToldMs, route }: Group,
  { fresh, over, known, troubles }: Pick<Sorted, 'fresh' | 'over' | 'known' | 'troubles'>,
): number[] {
  if (firstToldMs === null)
    return fresh.length === 0 ? [] : [openedMs + durationMs(route.wait ?? WAIT)]
  if (fresh.length + over.length === 0) return []
  const wasCritical = troubles.some(({ id }) => known.get(id)?.severity === 'critical')
  const isWorse = !wasCritical && fresh.some(({ severity }) => severity === 'critical')
  const isEnd = fresh.length === 0 && !stillTold({ open: troubles.filter(isOpen), known })
  // Neither what is worse nor that all is well again waits for its turn.
  const pauseMs = isWorse || isEnd ? 0 : durationMs(route.interval ?? INTERVAL)
  return [(lastToldMs ?? firstToldMs) + pauseMs]
}

function escalationDue(group: Group, unanswered: readonly Trouble[]): number[] {
  return unanswered.length === 0 ? [] : [...stepDue(group), ...repeatDue(group)]
}

function stepDue({ firstToldMs, escalated, route }: Group): number[] {
  const step = route.escalate?.[escalated]
  return step === undefined || firstToldMs === null ? [] : [firstToldMs + durationMs(step.after)]
}

function repeatDue({ lastToldMs, route }: Group): number[] {
  return lastToldMs === null ? [] : [lastToldMs + durationMs(route.repeat ?? REPEAT)]
}

function refreshDue(
  { destinations, lastToldMs, lastRefreshedMs }: Group,
  isOpenYet: boolean,
  { forgetful }: View,
): number[] {
  if (!isOpenYet || lastToldMs === null) return []
  if (!destinations.some((name) => forgetful.has(name))) return []
  return [Math.max(lastToldMs, lastRefreshedMs ?? 0) + REFRESH_MS]
}

/** Whether receivers believe that it is still so. */
function isTold(told: Told | undefined): boolean {
  return told !== undefined && told.state !== 'cleared'
}

function isNews({ severity }: Trouble, told: Told | undefined): boolean {
  return !isTold(told) || (severity === 'critical' && told?.severity === 'warning')
}

/** The group after a telling. */
function toldGroup(
  group: Group,
  troubles: readonly Trouble[],
  { telling, nowMs }: { telling: Telling; nowMs: number },
): Group {
  const { reason, to, news } = telling
  const after = { ...group, messages: group.messages + 1 }
  if (reason === 'refreshed') return { ...after, lastRefreshedMs: nowMs }
  const destinations = [...new Set([...group.destinations, ...to])]
  const now = new Map(group.told.map((each) => [each.id, each]))
  for (const { id, acknowledged, clearedMs, severity } of troubles)
    if (news.includes(id))
      now.set(id, {
        id,
        severity,
        state: clearedMs !== null ? 'cleared' : acknowledged !== null ? 'acknowledged' : 'raised',
      })
  const told = [...now.values()]
  if (reason === 'acknowledged') return { ...after, destinations, told }
  if (reason === 'escalated') return { ...after, destinations, escalated: group.escalated + 1 }
  return {
    ...after,
    destinations,
    told,
    firstToldMs: group.firstToldMs ?? nowMs,
    lastToldMs: nowMs,
  }
}

/** A group whose troubles are all over, and of which nobody believes otherwise, is over too. */
function closedIf(group: Group, troubles: readonly Trouble[]): Group {
  const believed = group.told.some(isTold)
  return troubles.some(isOpen) || believed ? group : { ...group, isOpen: false, turn: null }
}

/** The group with another trouble in it. */
export function joined(group: Group, trouble: string, over: ReadonlySet<string>): Group {
  if (group.members.includes(trouble)) return group
  const members = [...group.members, trouble]
  if (members.length <= MEMBERS_MAX) return { ...group, members }
  const gone = members.find((id) => over.has(id)) ?? members[0]
  return {
    ...group,
    members: members.filter((id) => id !== gone),
    told: group.told.filter(({ id }) => id !== gone),
  }
}
