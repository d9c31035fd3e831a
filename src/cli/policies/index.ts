import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { print, tableLines } from '../table.ts'
import { policyPath, type ShownDecision, type ShownPolicy, type ShownRun } from './wire.ts'

export interface PolicyFlags {
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly json?: boolean
  readonly action: 'runs' | 'list' | 'show' | 'test' | 'next' | 'decisions' | 'cancel'
  readonly name?: string | undefined
  readonly at?: string | undefined
  readonly reason?: string | undefined
  readonly project?: string | undefined
  readonly state?: string | undefined
  readonly limit: number
  readonly before?: string | undefined
  readonly after?: string | undefined
}

/** What an action gives: the value for --json and the lines for people. */
interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

export async function showPolicies(flags: PolicyFlags): Promise<void> {
  const api = apiClient(await serverUrl(flags))
  print(flags.json, await ACTIONS[flags.action](api, flags))
}

const ACTIONS: Readonly<
  Record<PolicyFlags['action'], (api: ApiClient, flags: PolicyFlags) => Promise<Shown>>
> = {
  runs: async (api, { limit, before, project, state, name }) => {
    const page = await api.get<{ policyRuns: ShownRun[]; next: string | null }>('/policy-runs', {
      limit,
      before,
      state,
      ...ofPolicy(project, name),
    })
    const none = 'No policy has acted yet.'
    const lines = page.policyRuns.length === 0 ? [none] : page.policyRuns.map(runLine)
    return { value: page, lines: [...lines, ...more('--before', page.next)] }
  },
  list: async (api, { limit, after, project }) => {
    const page = await api.get<{ policies: ShownPolicy[]; next: string | null }>('/policies', {
      limit,
      after,
      project,
    })
    const none = 'No project has a policy; docs/policies.md says how one is written in orrery.yaml.'
    const rows = page.policies.map((policy) => [
      `${policy.project}/${policy.name}`,
      policy.enabled ? policy.triggers.map(triggerWords).join(', ') : 'switched off',
      policy.run,
      policy.next === null ? '-' : minuteOf(policy.next),
      policy.last === null ? '-' : `${policy.last.state} ${minuteOf(policy.last.event)}`,
    ])
    const lines =
      rows.length === 0 ? [none] : tableLines(['policy', 'on', 'run', 'next', 'last'], rows)
    return { value: page, lines: [...lines, ...more('--after', page.next)] }
  },
  show: async (api, flags) => {
    const path = await policyPath(api, flags.name)
    const policy = await api.get<ShownPolicy>(path)
    const { decisions } = await api.get<{ decisions: ShownDecision[] }>('/policy-decisions', {
      limit: flags.limit,
      project: policy.project,
      policy: policy.name,
    })
    return {
      value: { ...policy, decisions },
      lines: [...policyLines(policy), ...decisions.map(decisionLine)],
    }
  },
  test: async (api, { name, at }) => {
    const path = await policyPath(api, name)
    const { previews } = await api.post<{
      previews: { trigger: ShownPolicy['triggers'][number]; at: string; act: string; why: string }[]
    }>(`${path}/test`, at === undefined ? {} : { at })
    const lines = previews.map(
      (each) =>
        `${minuteOf(each.at)}  ${each.act.padEnd(7)}  ${triggerWords(each.trigger)}: ${each.why}`,
    )
    return { value: { previews }, lines: [...lines, 'Nothing was done.'] }
  },
  next: async (api, { limit, project, name }) => {
    const value = await api.get<{
      ticks: { project: string; policy: string; cron: string; timezone: string; at: string }[]
    }>('/policy-ticks', { limit, ...ofPolicy(project, name) })
    const rows = value.ticks.map((tick) => [
      minuteOf(tick.at),
      `${tick.project}/${tick.policy}`,
      `${tick.cron} ${tick.timezone}`,
    ])
    return {
      value,
      lines:
        rows.length === 0
          ? ['No schedule has a tick to come.']
          : tableLines(['at', 'policy', 'schedule'], rows),
    }
  },
  decisions: async (api, { limit, before, project, name }) => {
    const page = await api.get<{ decisions: ShownDecision[]; next: number | null }>(
      '/policy-decisions',
      { limit, before, ...ofPolicy(project, name) },
    )
    const lines =
      page.decisions.length === 0 ? ['Nothing was decided yet.'] : page.decisions.map(decisionLine)
    return { value: page, lines: [...lines, ...more('--before', page.next)] }
  },
  cancel: async (api, { name, reason }) => {
    if (name === undefined)
      throw new Problem('invalid', 'name the run; "orrery policies runs" lists them')
    const body = reason === undefined ? {} : { reason }
    const run = await api.post<ShownRun>(`/policy-runs/${encodeURIComponent(name)}/cancel`, body)
    return { value: run, lines: [runLine(run)] }
  },
}

function ofPolicy(project: string | undefined, name: string | undefined) {
  if (name === undefined) return { project }
  const [first = '', policy] = name.split('/', 2)
  return policy === undefined ? { project, policy: first } : { project: first, policy }
}

function policyLines(policy: ShownPolicy): string[] {
  const { concurrency, budget } = policy
  return [
    `${policy.project}/${policy.name}${policy.enabled ? '' : ' (switched off)'}`,
    ...policy.triggers.map((trigger) => `  on           ${triggerWords(trigger)}`),
    `  run          ${policy.run}${policy.set.map((text) => ` -S ${text}`).join('')}`,
    ...(policy.then === null ? [] : [`  then         ${policy.then}`]),
    `  concurrency  ${concurrency.limit} in ${concurrency.group}, when busy: ${concurrency.whenBusy}`,
    ...(policy.cooldown === null ? [] : [`  cooldown     ${policy.cooldown}`]),
    ...(budget === null
      ? []
      : [`  budget       ${budget.used} of ${budget.runs} per ${budget.per} spent`]),
    ...(policy.next === null ? [] : [`  next         ${minuteOf(policy.next)}`]),
    ...policy.open.map((run) => `  ${run.state.padEnd(11)}  ${run.id}`),
  ]
}

function triggerWords({ kind, ...rest }: ShownPolicy['triggers'][number]): string {
  const { cron, timezone, catchUp, type, where } = rest
  if (kind === 'schedule')
    return `schedule ${String(cron)} ${String(timezone)} (catch up: ${String(catchUp)})`
  if (kind === 'event') {
    const conditions = Object.entries((where ?? {}) as Record<string, unknown>)
    return [
      `event ${String(type)}`,
      ...conditions.map(([key, value]) => `${key}=${String(value)}`),
    ].join(' ')
  }
  return [kind, ...Object.values(rest)].join(' ')
}

export function decisionLine({ at, project, policy, type, why }: ShownDecision): string {
  return `${minuteOf(at)}  ${WORDS[type] ?? type}  ${project}/${policy}: ${why}`
}

const WORDS: Readonly<Record<string, string>> = {
  'policy-fired': 'ran    ',
  'policy-queued': 'queued ',
  'policy-skipped': 'skipped',
  'schedule-missed': 'missed ',
}

function runLine(run: ShownRun): string {
  const about = run.endpoint === null ? '' : ` of ${run.endpoint}`
  const made = run.modelVersion === null ? '' : ` made ${run.modelVersion}`
  const reason = run.reason === null ? '' : `: ${run.reason}`
  return `${run.event.slice(0, 10)}  ${run.state.padEnd(9)}  ${run.policy} on ${run.causeType}${about}${made}${reason}  (${run.id})`
}

function minuteOf(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')}Z`
}

function more(flag: string, next: string | number | null): string[] {
  return next === null ? [] : [`There are more: ${flag} ${next}`]
}
