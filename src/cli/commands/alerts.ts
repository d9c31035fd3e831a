import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import { causeLines, causesOf } from '../alert-causes.ts'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownAlert {
  id: string
  project: string
  endpoint: string
  kind: string
  subject: string
  severity: string
  detail: string
  state: 'open' | 'cleared'
  raised: string
  cleared: string | null
  acknowledged: { by: string; comment: string; at: string } | null
  silencedUntil: string | null
}

interface ShownGroup {
  to: string[]
  told: string[]
  alerts: number
  firstTold: string | null
  lastTold: string | null
  next: string | null
}

interface ShownSilence {
  id: string
  matchers: Record<string, string | string[]>
  comment: string
  by: string
  until: string
}

interface ShownDestination {
  project: string
  name: string
  kind: string
  failures: number
  failingSince: string | null
}

interface ShownDelivery {
  id: string
  event: string
  state: string
  attempts: number
  created: string
  next: string | null
  status: number | null
  error: string | null
}

interface Flags {
  target?: string | undefined
  open: boolean
  endpoint?: string | undefined
  kind?: string | undefined
  project?: string | undefined
  comment?: string | undefined
  match?: string[] | undefined
  for: string
  active: boolean
  since: string
  rule?: string | undefined
  file?: string | undefined
  limit: number
  before?: string | undefined
  yes: boolean
}

/** What an action gives: the value for --json and the lines for people. */
interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

type Action = (api: ApiClient, flags: Flags) => Promise<Shown>

export const alerts = command({
  command: 'alerts [action] [target]',
  describe: 'See what somebody must hear of, answer it, silence it, and who is told',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: [
          'list',
          'show',
          'ack',
          'silence',
          'silences',
          'unsilence',
          'destinations',
          'deliveries',
          'test',
          'backtest',
        ] as const,
        default: 'list' as const,
      })
      .positional('target', {
        type: 'string',
        describe:
          'Id of an alert or a silence; PROJECT/NAME of a destination; an endpoint to backtest',
      })
      .option('open', { type: 'boolean', default: false, describe: 'For list: only what is open' })
      .option('endpoint', { type: 'string', describe: 'For list: one endpoint' })
      .option('kind', { type: 'string', describe: 'For list: drift, performance, rollout …' })
      .option('project', { type: 'string', describe: 'For list: one project' })
      .option('comment', { type: 'string', describe: 'For ack and silence: why' })
      .option('match', {
        type: 'string',
        array: true,
        describe: 'For silence: project, endpoint, kind, subject or severity, as endpoint=late-*',
      })
      .option('for', { type: 'string', default: '4h', describe: 'For silence: how long, as 30m' })
      .option('active', {
        type: 'boolean',
        default: false,
        describe: 'For silences: only those that go on',
      })
      .option('since', {
        type: 'string',
        default: '90d',
        describe: 'For backtest: how long before the newest window, or a time',
      })
      .option('rule', { type: 'string', describe: 'For backtest: a file with a monitor' })
      .option('file', {
        type: 'string',
        alias: 'f',
        describe: 'For backtest: an orrery.yaml whose monitor of the endpoint is tried',
      })
      .option('limit', { type: 'number', default: 20 })
      .option('before', { type: 'string', describe: 'The next page' })
      .option('yes', { type: 'boolean', default: false, describe: 'For silence: do it' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const { value, lines } = await ACTIONS[flags.action](api, flags)
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(value)}\n`
        : lines.map((line) => `${line}\n`).join(''),
    )
  },
})

const ACTIONS = {
  list: async (api, { open, endpoint, kind, project, limit, before }) => {
    const page = await api.get<{ alerts: ShownAlert[]; next: string | null }>('/alerting/alerts', {
      limit,
      before,
      endpoint,
      kind,
      project,
      open: open ? 'true' : undefined,
    })
    const lines = page.alerts.length === 0 ? ['No alert.'] : page.alerts.map(lineOf)
    return { value: page, lines: [...lines, ...nextPage(page.next)] }
  },
  show: async (api, flags) => {
    const alert = await api.get<ShownAlert & { groups: ShownGroup[] }>(pathOf(flags))
    const causes = await causesOf(api, alert.id)
    const lines = [lineOf(alert), ...causeLines(causes), ...alert.groups.map(groupLine)]
    return { value: { ...alert, causes }, lines }
  },
  ack: async (api, flags) => {
    const comment = flags.comment ?? ''
    const alert = await api.post<ShownAlert>(`${pathOf(flags)}/acknowledge`, { comment })
    return { value: alert, lines: [lineOf(alert)] }
  },
  silence: async (api, flags) => {
    const { yes, comment } = flags
    const given = { matchers: matchersIn(flags), until: untilIn(flags), comment: comment ?? '' }
    const made = await api.post<{ silence: ShownSilence | null; alerts: string[] }>(
      '/alerting/silences',
      { ...given, dry: !yes },
    )
    const covered = made.alerts.map((id) => `  ${id}`)
    const count = `${made.alerts.length} open ${made.alerts.length === 1 ? 'alert' : 'alerts'}`
    const lines =
      made.silence === null
        ? [`This would silence ${count} until ${given.until}, and what comes; --yes does it.`]
        : [silenceLine(made.silence), `It silences ${count} now.`]
    return { value: made, lines: [...lines, ...covered] }
  },
  silences: async (api, { limit, before, active }) => {
    const page = await api.get<{ silences: ShownSilence[]; next: string | null }>(
      '/alerting/silences',
      { limit, before, active: active ? 'true' : undefined },
    )
    const lines = page.silences.length === 0 ? ['No silence.'] : page.silences.map(silenceLine)
    return { value: page, lines: [...lines, ...nextPage(page.next)] }
  },
  unsilence: async (api, { target }) => {
    if (target === undefined)
      throw new Problem('invalid', 'name the silence; "orrery alerts silences" lists them')
    await api.delete(`/alerting/silences/${encodeURIComponent(target)}`)
    return { value: { ended: target }, lines: [`The silence ${target} is over.`] }
  },
  destinations: async (api) => {
    const found = await api.get<{ destinations: ShownDestination[] }>('/alerting/destinations')
    const none =
      'No destination yet; write alerts: { destinations: … } into the orrery.yaml of a project.'
    const lines = found.destinations.map(destinationLine)
    return { value: found, lines: lines.length === 0 ? [none] : lines }
  },
  deliveries: async (api, flags) => {
    const { limit, before } = flags
    const page = await api.get<{ deliveries: ShownDelivery[]; next: string | null }>(
      `${destinationPath(flags)}/deliveries`,
      { limit, before },
    )
    const lines = page.deliveries.map(deliveryLine)
    const shown = lines.length === 0 ? ['Nothing was sent yet.'] : lines
    return { value: page, lines: [...shown, ...nextPage(page.next)] }
  },
  test: async (api, flags) => {
    const sent = await api.post<ShownDelivery>(`${destinationPath(flags)}/test`, {})
    return { value: sent, lines: [deliveryLine(sent)] }
  },
  backtest: async (api, { target, since, rule, file }) => {
    const { backtested } = await import('../alert-backtest.ts')
    return backtested(api, { endpoint: target, since, rule, file })
  },
} satisfies Record<string, Action>

function pathOf({ target }: Flags): string {
  if (target !== undefined) return `/alerting/alerts/${encodeURIComponent(target)}`
  throw new Problem('invalid', 'name the alert by its id; "orrery alerts list" shows the ids')
}

function destinationPath({ target }: Flags): string {
  const [project = '', name = '', ...rest] = (target ?? '').split('/')
  if (project !== '' && name !== '' && rest.length === 0)
    return `/alerting/destinations/${encodeURIComponent(project)}/${encodeURIComponent(name)}`
  throw new Problem(
    'invalid',
    `name the destination as PROJECT/NAME${target ? `, not ${target}` : ''}; "orrery alerts destinations" lists them`,
  )
}

function matchersIn({ match = [] }: Flags): Record<string, string[]> {
  const matchers: Record<string, string[]> = {}
  for (const each of match) {
    const [, label, pattern] = /^(project|endpoint|kind|subject|severity)=(.+)$/s.exec(each) ?? []
    if (label === undefined || pattern === undefined)
      throw new Problem(
        'invalid',
        `--match ${each} is not label=pattern with a label of project, endpoint, kind, subject or severity; say endpoint=flights-*`,
      )
    matchers[label] = [...(matchers[label] ?? []), pattern]
  }
  return matchers
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

function untilIn({ for: duration }: Flags): string {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(duration) ?? []
  if (count !== undefined && unit !== undefined)
    return new Date(
      systemClock.nowMs() + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS],
    ).toISOString()
  throw new Problem('invalid', `--for ${duration} is no time; say 30m, 4h, 2d or 1w`)
}

function lineOf(alert: ShownAlert): string {
  const { id, kind, subject, endpoint, severity, detail, raised, cleared } = alert
  const of = subject === '' || subject === kind ? '' : ` of ${subject}`
  const on = endpoint === '' ? '' : ` on ${endpoint}`
  const until = cleared === null ? 'open' : `until ${minuteOf(cleared)}`
  const heard = alert.acknowledged === null ? '' : `  ${alert.acknowledged.by} looks after it`
  const silent =
    alert.silencedUntil === null ? '' : `  silenced until ${minuteOf(alert.silencedUntil)}`
  const loud = alert.state === 'open' ? '! ' : ''
  return `${minuteOf(raised)} ${until}  ${loud}${severity} ${kind}${of}${on}: ${detail}${heard}${silent}  (${id})`
}

function groupLine({ to, told, alerts: members, firstTold, lastTold, next }: ShownGroup): string {
  const since =
    firstTold === null
      ? `not told yet, meant for ${to.join(', ')}`
      : `told to ${told.join(', ')} since ${minuteOf(firstTold)}, last at ${minuteOf(lastTold ?? firstTold)}`
  return `  with ${members - 1} more: ${since}${next === null ? '' : `; looked at next at ${minuteOf(next)}`}`
}

function silenceLine({ id, matchers, comment, by, until }: ShownSilence): string {
  const of = Object.entries(matchers).flatMap(([label, patterns]) =>
    [patterns].flat().map((pattern) => `${label}=${pattern}`),
  )
  const state = Date.parse(until) > systemClock.nowMs() ? 'until' : 'over since'
  return `${id}  ${of.join(' ')}  ${state} ${minuteOf(until)}  ${by}: ${comment}`
}

function destinationLine({
  project,
  name,
  kind,
  failures,
  failingSince,
}: ShownDestination): string {
  const failing =
    failingSince === null ? '' : `  ${failures} failures in a row since ${minuteOf(failingSince)}`
  return `${project}/${name}  ${kind}${failing}`
}

function deliveryLine(delivery: ShownDelivery): string {
  const { id, event, state, attempts, created, next, status, error } = delivery
  const answer = status === null ? '' : ` ${status}`
  const again = next === null ? '' : `, next ${next}`
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  return `${created}  ${id}  ${event}  ${state}${answer}, ${tries}${again}${error === null ? '' : `: ${error}`}`
}

function minuteOf(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

function nextPage(next: string | null): string[] {
  return next === null ? [] : [`More: --before ${next}`]
}
