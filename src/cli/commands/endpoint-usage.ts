import { Problem } from '#base/problem'
import { durationMs, durationPattern } from '#projects'
import type { UsageHourWire } from '#protocols/api/usage'
import type { ApiClient } from '../client.ts'
import { cellOf, tableLines, timeOf } from '../table.ts'
import type { Looked } from './endpoint-look.ts'

interface UsagePage {
  readonly hours: readonly UsageHourWire[]
  readonly next: string | null
}

const HEADS = ['HOUR', 'REVISION', 'REQUESTS', 'ROWS', 'FAILED', 'ANSWER', 'MODEL', 'CPU', 'MEMORY']

/** What an endpoint answered in each hour by revision, what failed, and what that took. */
export async function used(
  api: ApiClient,
  name: string,
  { since, nowMs }: { since: string; nowMs: number },
): Promise<Looked> {
  const hours: UsageHourWire[] = []
  const path = `/endpoints/${encodeURIComponent(name)}/usage`
  const to = new Date(nowMs).toISOString()
  for (let from: string | null = beginning(since, nowMs); from !== null;) {
    const page: UsagePage = await api.get<UsagePage>(path, { from, to })
    hours.push(...page.hours)
    from = page.next
  }
  return {
    value: { endpoint: name, hours },
    lines:
      hours.length === 0
        ? [`Nothing was asked of ${name} in that time; look further back with --since 30d.`]
        : tableLines(HEADS, hours.map(cellsOf)),
  }
}

function cellsOf(hour: UsageHourWire): string[] {
  return [
    timeOf(hour.start),
    hour.revision === 0 ? 'none' : `${hour.revision} = ${hour.modelVersion}`,
    cellOf(hour.requests),
    cellOf(hour.rows),
    hour.failed === 0 ? '0' : `${hour.failed}${kindsOf(hour)}`,
    each(hour.answerSeconds, hour.requests),
    each(hour.modelSeconds, hour.requests),
    `${hour.cpuSeconds.toFixed(2)} s`,
    hour.memoryBytes === 0 ? '-' : `${Math.round(hour.memoryBytes / 1e6)} MB`,
  ]
}

/** Of one request, on average. */
function each(seconds: number, requests: number): string {
  return requests === 0 ? '-' : `${Number(((1000 * seconds) / requests).toPrecision(3))} ms`
}

function kindsOf({ kinds }: UsageHourWire): string {
  const told = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`)
  return told.length === 0 ? '' : ` (${told.join(', ')})`
}

/** Where a span begins that is said as a length, as 24h, or as a moment. */
function beginning(since: string, nowMs: number): string {
  const fromMs = new RegExp(durationPattern).test(since)
    ? nowMs - durationMs(since)
    : Date.parse(since)
  if (Number.isNaN(fromMs))
    throw new Problem(
      'invalid',
      `--since takes a length such as 24h or 30d, or a moment such as 2026-05-01T12:00:00Z, and not ${since}`,
    )
  if (fromMs >= nowMs) throw new Problem('invalid', `--since ${since} has not begun yet`)
  return new Date(fromMs).toISOString()
}
