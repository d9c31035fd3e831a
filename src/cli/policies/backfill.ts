import { Problem } from '#base/problem'
import type { BackfillDateWire, BackfillWire } from '#protocols/api/backfill-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { print, tableLines } from '../table.ts'

export interface BackfillFlags {
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly json?: boolean
  readonly subject: string
  readonly names?: string[] | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly every: string
  readonly jobs: number
  readonly 'set-param'?: string[] | undefined
  readonly force?: boolean | undefined
  readonly 'dry-run': boolean
  readonly reason?: string | undefined
  readonly state?: string | undefined
  readonly limit: number
  readonly before?: string | undefined
  readonly after?: number | undefined
}

type Shown = { readonly value: unknown; readonly lines: readonly string[] }
type Action = (api: ApiClient, flags: BackfillFlags) => Promise<Shown>

const ACTIONS: Readonly<Record<string, Action>> = { list, show, cancel, resume }

export async function backfillAs(flags: BackfillFlags): Promise<void> {
  const api = apiClient(await serverUrl(flags))
  const act = Object.hasOwn(ACTIONS, flags.subject) ? ACTIONS[flags.subject] : undefined
  print(flags.json, await (act ?? start)(api, flags))
}

async function start(api: ApiClient, flags: BackfillFlags): Promise<Shown> {
  const { subject: project, names = [], from, to, every, jobs, force } = flags
  if (from === undefined || to === undefined)
    throw new Problem(
      'invalid',
      `say which dates: orrery backfill ${project} --from 2026-01-01 --to 2026-01-31 --every 1d`,
    )
  const body = {
    project,
    targets: names,
    from,
    to,
    every,
    parallel: jobs,
    set: flags['set-param'] ?? [],
    ...(force === undefined ? {} : { force }),
    dryRun: flags['dry-run'],
  }
  if (!flags['dry-run']) {
    const value = await api.post<BackfillWire>('/backfills', body)
    return {
      value,
      lines: [lineOf(value), `"orrery backfill show ${value.id}" tells how far it is.`],
    }
  }
  const value = await api.post<{
    count: number
    commit: string
    force: boolean
    dates: { start: string; end: string }[]
  }>('/backfills', body)
  const forced = value.force ? ', up to date or not' : ''
  return {
    value,
    lines: [
      ...value.dates.slice(0, flags.limit).map(({ start: first, end }) => `${first} to ${end}`),
      `${value.count} runs of ${project} at ${value.commit.slice(0, 12)}${forced} would be asked for, ${jobs} at a time; nothing was done.`,
    ],
  }
}

async function list(api: ApiClient, { limit, before }: BackfillFlags): Promise<Shown> {
  const page = await api.get<{ backfills: BackfillWire[]; next: string | null }>('/backfills', {
    limit,
    before,
  })
  const none = 'No backfill yet; "orrery backfill PROJECT --from --to" starts one.'
  const lines = page.backfills.length === 0 ? [none] : page.backfills.map(lineOf)
  return { value: page, lines: [...lines, ...more('--before', page.next)] }
}

async function show(api: ApiClient, flags: BackfillFlags): Promise<Shown> {
  const path = pathOf(flags)
  const backfill = await api.get<BackfillWire>(path)
  const { limit, after, state } = flags
  const page = await api.get<{ dates: BackfillDateWire[]; next: number | null }>(`${path}/dates`, {
    limit,
    after,
    state,
  })
  const rows = page.dates.map(({ start: first, state: how, request, reason }) => [
    first,
    how,
    request ?? '-',
    reason ?? '',
  ])
  return {
    value: { ...backfill, dates: page.dates, next: page.next },
    lines: [
      lineOf(backfill),
      ...tableLines(['date', 'state', 'run', 'reason'], rows),
      ...more('--after', page.next),
    ],
  }
}

async function cancel(api: ApiClient, flags: BackfillFlags): Promise<Shown> {
  const body = flags.reason === undefined ? {} : { reason: flags.reason }
  const value = await api.post<BackfillWire>(`${pathOf(flags)}/cancel`, body)
  return { value, lines: [lineOf(value)] }
}

async function resume(api: ApiClient, flags: BackfillFlags): Promise<Shown> {
  const value = await api.post<BackfillWire>(`${pathOf(flags)}/resume`, {})
  return { value, lines: [lineOf(value)] }
}

function pathOf({ subject, names = [] }: BackfillFlags): string {
  const [id] = names
  if (id !== undefined) return `/backfills/${encodeURIComponent(id)}`
  throw new Problem(
    'invalid',
    `name the backfill: orrery backfill ${subject} ID; "orrery backfill list" lists them`,
  )
}

function lineOf({ id, project, state, counts, from, to, every }: BackfillWire): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  const told = parts.map(([name, count]) => `${count} ${name}`).join(', ')
  return `${id}  ${state.padEnd(9)}  ${project} ${from.slice(0, 10)} to ${to.slice(0, 10)} every ${every}: ${told}`
}

function more(flag: string, next: string | number | null): string[] {
  return next === null ? [] : [`There are more: ${flag} ${next}`]
}
