import type { Group, Reason, Telling } from './group.ts'
import { isOpen, LABELS, ranked, type Labels, type Severity, type Trouble } from './trouble.ts'

/** One message, before it is put into the words of a receiver. */
export interface Notice {
  readonly reason: Exclude<Reason, 'refreshed'> | 'refreshed' | 'test'
  /** The same for all messages about one group of troubles. */
  readonly group: string
  readonly project: string
  readonly labels: Labels
  /** The worst of what is open; of what is over where nothing is. */
  readonly severity: Severity
  readonly title: string
  readonly sinceMs: number
  readonly atMs: number
  /** The worst first. */
  readonly troubles: readonly Trouble[]
  /** Ids of those that were not told so before. */
  readonly news: readonly string[]
  readonly open: number
  readonly over: number
  /** The last who has acknowledged one of them. */
  readonly acknowledged: { readonly by: string; readonly comment: string } | null
  /** Where people look at it; null where nobody has said how the server is reached. */
  readonly link: string | null
}

/** A message names so many; the others are counted. */
export const NAMED_MAX = 20

export function noticeOf(
  group: Group,
  troubles: readonly Trouble[],
  { telling, nowMs, link }: { telling: Telling; nowMs: number; link: string | undefined },
): Notice {
  const known = new Set([...group.told.map(({ id }) => id), ...telling.news])
  const all = ranked(troubles.filter(({ id }) => known.has(id)))
  const open = all.filter(isOpen)
  const shown = open.length > 0 ? open : all
  const acknowledged = open.findLast((each) => each.acknowledged !== null)?.acknowledged
  return {
    reason: telling.reason,
    group: group.id,
    project: group.project,
    labels: group.labels,
    severity: shown.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    title: titleOf(group, telling.reason, { open, all }),
    sinceMs: group.firstToldMs ?? nowMs,
    atMs: nowMs,
    troubles: [...open, ...all.filter((each) => !isOpen(each))],
    news: telling.news,
    open: open.length,
    over: all.length - open.length,
    acknowledged: acknowledged ?? null,
    link: link === undefined ? null : linkTo(link, group.labels),
  }
}

/** A message that tells nothing, to try a destination with. */
export function exampleNotice(project: string, nowMs: number): Notice {
  const trouble: Trouble = {
    id: 'test',
    key: 'test',
    place: '',
    project,
    endpoint: 'test',
    kind: 'test',
    subject: '',
    severity: 'warning',
    detail: 'This is a test: nothing is wrong.',
    raisedMs: nowMs,
    clearedMs: null,
    acknowledged: null,
    position: 0,
  }
  return {
    reason: 'test',
    group: 'test',
    project,
    labels: { endpoint: 'test', kind: 'test' },
    severity: 'warning',
    title: `A test of the alerts of ${project}`,
    sinceMs: nowMs,
    atMs: nowMs,
    troubles: [trouble],
    news: [trouble.id],
    open: 1,
    over: 0,
    acknowledged: null,
    link: null,
  }
}

const PREFIXES: Readonly<Record<Reason, string>> = {
  raised: '',
  changed: '',
  acknowledged: 'Acknowledged: ',
  escalated: 'Nobody has answered: ',
  repeated: 'Still: ',
  recovered: 'Over: ',
  refreshed: '',
}

function titleOf(
  { labels }: Group,
  reason: Reason,
  { open, all }: { open: readonly Trouble[]; all: readonly Trouble[] },
): string {
  const shown = open.length > 0 ? open : all
  const [first] = shown
  if (first === undefined) return `${PREFIXES[reason]}alerts`
  if (shown.length === 1) return `${PREFIXES[reason]}${aboutOf(first)}: ${first.detail}`
  const where = labels.endpoint ?? labels.project ?? ''
  const what = labels.kind === undefined ? 'alerts' : `alerts of ${labels.kind}`
  const subjects = [...new Set(shown.map(({ subject }) => subject))].filter((each) => each !== '')
  const named = subjects.slice(0, 3).join(', ')
  const more = subjects.length > 3 ? ` and ${subjects.length - 3} more` : ''
  const list = named === '' ? '' : `: ${named}${more}`
  return `${PREFIXES[reason]}${shown.length} ${what}${where === '' ? '' : ` on ${where}`}${list}`
}

/** `drift of dep_delay on flights-late`. */
export function aboutOf({ kind, subject, endpoint }: Trouble): string {
  const of = subject === '' || subject === kind ? '' : ` of ${subject}`
  return `${kind}${of}${endpoint === '' ? '' : ` on ${endpoint}`}`
}

function linkTo(link: string, labels: Labels): string {
  const base = link.replace(/\/+$/, '')
  return labels.endpoint === undefined || labels.endpoint === ''
    ? base
    : `${base}/endpoints/${encodeURIComponent(labels.endpoint)}`
}

/** `endpoint=flights-late kind=drift`. */
export function labelText(labels: Labels): string {
  return LABELS.flatMap((label) => {
    const value = labels[label]
    return value === undefined || value === '' ? [] : [`${label}=${value}`]
  }).join(' ')
}
