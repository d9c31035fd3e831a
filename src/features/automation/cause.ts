import type { Entry, Ref } from '#ledger'
import { FINDING_TYPES } from '#monitoring'
import {
  commitRef,
  datasetVersionRef,
  triggersOf,
  type PolicyConfig,
  type Trigger,
  type TriggerOf,
} from '#projects'
import { chosenData } from './data.ts'
import { minuteOf } from './minute.ts'
import type { RunOrder } from './policy-run.ts'

/** An entry of the ledger as one policy sees it: what it waited for has come. */
export interface Cause {
  readonly trigger: Trigger
  readonly position: number
  readonly type: string
  readonly atMs: number
  readonly eventMs: number
  /** The endpoint that a finding is about. */
  readonly endpoint: string | null
  /** What has come, in words that go on a sentence after "because". */
  readonly words: string
  readonly order: RunOrder
  /** Why the data that the run is to be made of cannot be named; null where it can. */
  readonly lacks: string | null
  /** What the run leads back to. */
  readonly refs: readonly Ref[]
}

/** Facts that can set policies off, besides those that `event` names. */
export const CAUSE_TYPES: readonly string[] = [
  ...Object.values(FINDING_TYPES),
  'schedule-ticked',
  'dataset-version-added',
  'table-version-added',
  'branch-pushed',
  'hook-called',
  'policy-triggered',
]

/** What an entry means for a policy; undefined when it does not wait for it. An entry that several triggers fit counts once. */
export function causeOf(
  entry: Entry,
  { project, name, policy }: { project: string; name: string; policy: PolicyConfig },
): Cause | undefined {
  if (entry.type === 'policy-triggered')
    return entry.data['project'] === project && entry.data['policy'] === name
      ? cause(entry, { kind: 'manual' }, policy)
      : undefined
  const trigger = triggersOf(policy).find((each) => fits(each, entry, { project, name }))
  return trigger === undefined ? undefined : cause(entry, trigger, policy)
}

function fits(trigger: Trigger, entry: Entry, own: { project: string; name: string }): boolean {
  const { type, data } = entry
  const isOurs = data['project'] === own.project
  switch (trigger.kind) {
    case 'drift':
      // Of the whole: a column that drifts alone is an `alert`, for it may be a sensor that no training mends.
      return (
        type === 'drift-detected' &&
        data['endpoint'] === trigger.endpoint &&
        (data['subject'] ?? '') === ''
      )
    case 'performance':
      return type === 'performance-fell' && data['endpoint'] === trigger.endpoint
    case 'alert':
      return isAbout(trigger, entry)
    case 'schedule':
      return (
        type === 'schedule-ticked' &&
        isOurs &&
        data['policy'] === own.name &&
        data['cron'] === trigger.cron &&
        data['timezone'] === trigger.timezone
      )
    case 'data':
      return (
        type === 'dataset-version-added' &&
        isOurs &&
        data['first'] !== true &&
        isAt(textIn(entry, 'path'), trigger.path)
      )
    case 'delta':
      return type === 'table-version-added' && isOurs && data['table'] === trigger.table
    case 'push':
      return type === 'branch-pushed' && isOurs && data['branch'] === trigger.branch
    case 'webhook':
      return type === 'hook-called' && isOurs && data['hook'] === trigger.hook
    case 'event':
      return type === trigger.type && holds(trigger, data)
    case 'manual':
  }
  return false
}

/** Whether what was found is what is waited for. */
function isAbout(trigger: TriggerOf<'alert'>, entry: Entry): boolean {
  const { endpoint, kinds, subjects, severity } = trigger
  const kind = kindOf(entry)
  return (
    kind !== undefined &&
    entry.data['endpoint'] === endpoint &&
    (kinds.length === 0 || kinds.includes(kind)) &&
    (subjects.length === 0 || subjects.includes(textIn(entry, 'subject'))) &&
    (severity === 'warning' || entry.data['severity'] === severity)
  )
}

/** What kind of finding an entry tells of. */
function kindOf({ type }: Entry): string | undefined {
  return Object.entries(FINDING_TYPES).find(([, told]) => told === type)?.[0]
}

function isAt(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** Whether all conditions hold; `a.b` looks inside. */
function holds({ where }: TriggerOf<'event'>, data: Entry['data']): boolean {
  return Object.entries(where).every(([path, wanted]) => {
    let value: unknown = data
    for (const step of Object.hasOwn(data, path) ? [path] : path.split('.')) {
      const isInside = typeof value === 'object' && value !== null && Object.hasOwn(value, step)
      value = isInside ? (value as Record<string, unknown>)[step] : undefined
    }
    return value === wanted
  })
}

function cause(entry: Entry, trigger: Trigger, policy: PolicyConfig): Cause {
  const eventMs = entry.eventMs ?? entry.atMs
  const tick = textIn(entry, 'tick') || new Date(eventMs).toISOString()
  const date = textIn(entry, 'date') || tick.slice(0, 10)
  const asked = entry.type === 'policy-triggered' ? textsIn(entry, 'set') : []
  const set = [...(policy.set ?? []), ...asked].map((text) =>
    text
      .replaceAll('{date}', date)
      .replaceAll('{tick}', tick)
      .replaceAll('{version}', textIn(entry, 'version'))
      .replaceAll('{from}', textIn(entry, 'start'))
      .replaceAll('{to}', textIn(entry, 'end')),
  )
  const { data, lacks } = chosenData(policy, entry, isFinding(trigger))
  const rev = trigger.kind === 'push' ? textIn(entry, 'commit') : textIn(entry, 'rev')
  return {
    trigger,
    position: entry.position,
    type: entry.type,
    atMs: entry.atMs,
    eventMs,
    endpoint: isFinding(trigger) ? trigger.endpoint : null,
    words: wordsOf(trigger, entry),
    order: {
      rev: (trigger.kind === 'push' || trigger.kind === 'manual') && rev !== '' ? rev : null,
      set,
      variables: {
        ORRERY_DATE: date,
        ORRERY_TICK: tick,
        ORRERY_CAUSE: entry.type,
        ORRERY_CAUSE_POSITION: String(entry.position),
        ...(trigger.kind === 'delta' ? tableVariables(entry) : {}),
        ...(isFinding(trigger) ? windowVariables(entry) : {}),
      },
      ...(data.length === 0 ? {} : { data }),
    },
    lacks,
    refs: refsOf(trigger, entry),
  }
}

/** Where the table lies and which version was seen, for stages that read it themselves. */
function tableVariables(entry: Entry): Record<string, string> {
  return {
    ORRERY_TABLE: textIn(entry, 'table'),
    ORRERY_TABLE_VERSION: textIn(entry, 'version'),
    ORRERY_TABLE_ADDRESS: textIn(entry, 'address'),
  }
}

/** What was found where and when, for stages that take the data of that time. */
function windowVariables(entry: Entry): Record<string, string> {
  return {
    ORRERY_ENDPOINT: textIn(entry, 'endpoint'),
    ORRERY_WINDOW_START: textIn(entry, 'start'),
    ORRERY_WINDOW_END: textIn(entry, 'end'),
  }
}

export function isFinding(
  trigger: Trigger,
): trigger is TriggerOf<'drift' | 'performance' | 'alert'> {
  return trigger.kind === 'drift' || trigger.kind === 'performance' || trigger.kind === 'alert'
}

function wordsOf(trigger: Trigger, entry: Entry): string {
  const text = (name: string) => textIn(entry, name)
  switch (trigger.kind) {
    case 'drift':
      return `drift was found at ${trigger.endpoint} in the window ${text('window')}${detailIn(entry)}`
    case 'performance':
      return `the performance of ${trigger.endpoint} fell in the window ${text('window')}${detailIn(entry)}`
    case 'alert':
      return `${kindOf(entry)}${text('subject') === '' ? '' : ` of ${text('subject')}`} at ${trigger.endpoint} is not as it should be in the window ${text('window')}${detailIn(entry)}`
    case 'schedule':
      return `it was due at ${minuteOf(Date.parse(text('tick')))} (${trigger.cron}, ${trigger.timezone})${lateness(entry)}`
    case 'data':
      return `${text('path')} has the new version ${text('md5').slice(0, 8)}`
    case 'delta':
      return `the table ${trigger.table} is at version ${text('version')}`
    case 'push':
      return `${trigger.branch} was pushed to ${text('commit').slice(0, 12)}`
    case 'webhook':
      return `the hook ${trigger.hook} was called${text('event') === '' ? '' : ` for ${text('event')}`}`
    case 'event':
      return `${trigger.type} was told${Object.entries(trigger.where)
        .map(([name, value], at) => `${at === 0 ? ' with' : ' and'} ${name} ${String(value)}`)
        .join('')}`
    case 'manual':
  }
  return `${entry.actor.id} asked for it${text('reason') === '' ? '' : `: ${text('reason')}`}`
}

/** A sentence names what was found, and is no page. */
const DETAIL_MAX = 300

function detailIn(entry: Entry): string {
  const detail = textIn(entry, 'detail').replace(/\.$/, '')
  if (detail === '') return ''
  return ` (${detail.length <= DETAIL_MAX ? detail : `${detail.slice(0, DETAIL_MAX)}…`})`
}

function lateness({ data }: Entry): string {
  const passed = Number(data['passedOver'] ?? 0)
  if (passed > 0)
    return `, late, and in place of ${passed} ${passed === 1 ? 'tick' : 'ticks'} before it`
  return data['late'] === true ? ', late' : ''
}

function refsOf(trigger: Trigger, entry: Entry): Ref[] {
  const project = textIn(entry, 'project')
  if (isFinding(trigger)) return [{ kind: 'window', id: textIn(entry, 'window') }]
  if (trigger.kind === 'data')
    return [datasetVersionRef({ project, path: textIn(entry, 'path'), md5: textIn(entry, 'md5') })]
  if (trigger.kind === 'push') return [commitRef(textIn(entry, 'commit'))]
  return entry.edges.slice(0, 1).map(({ from }) => from)
}

function textIn({ data }: Entry, name: string): string {
  const value = data[name]
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

function textsIn({ data }: Entry, name: string): string[] {
  const value = data[name]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
