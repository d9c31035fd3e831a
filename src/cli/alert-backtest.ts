import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { messageOf, Problem } from '#base/problem'
import type { BacktestWire } from '#protocols/api/backtests'
import type { ApiClient } from './client.ts'

type Pair = BacktestWire['alerts'][number]

/** Tries a rule of a file on what has been; without a file, the rule that runs. */
export async function backtested(
  api: ApiClient,
  of: {
    endpoint: string | undefined
    since: string
    rule?: string | undefined
    file?: string | undefined
  },
): Promise<{ value: BacktestWire; lines: string[] }> {
  const { endpoint, since, rule, file } = of
  if (endpoint === undefined)
    throw new Problem('invalid', 'name the endpoint; "orrery endpoints" lists them')
  if (rule !== undefined && file !== undefined)
    throw new Problem('invalid', 'give either --rule with a monitor, or --file with an orrery.yaml')
  const monitor =
    rule === undefined
      ? file === undefined
        ? undefined
        : await declaredIn(file, endpoint)
      : await ruleIn(rule)
  const value = await api.post<BacktestWire>(
    `/endpoints/${encodeURIComponent(endpoint)}/backtest`,
    monitor === undefined ? { since } : { since, monitor },
  )
  return { value, lines: linesOf(value) }
}

/** What stands below `monitor:`, or that with the word. */
async function ruleIn(path: string): Promise<object> {
  const read = await objectIn(path)
  return isObject(read['monitor']) ? read['monitor'] : read
}

async function declaredIn(path: string, endpoint: string): Promise<object> {
  const { endpoints } = await objectIn(path)
  const declared = isObject(endpoints) ? endpoints[endpoint] : undefined
  if (!isObject(declared))
    throw new Problem('invalid', `${path} has no endpoint ${endpoint}; name one of that file`)
  const { monitor } = declared
  if (!isObject(monitor))
    throw new Problem(
      'invalid',
      `${path} says nothing of how ${endpoint} is watched; write a monitor: for it`,
    )
  return monitor
}

async function objectIn(path: string): Promise<Record<string, unknown>> {
  let read: unknown
  try {
    read = parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new Problem('invalid', `${path} cannot be read as YAML or JSON: ${messageOf(error)}`)
  }
  if (isObject(read)) return read
  throw new Problem('invalid', `${path} holds no monitor; write one as in orrery.yaml`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function linesOf({ endpoint, from, to, windows, alerts, notes }: BacktestWire): string[] {
  const would = alerts.filter((pair) => pair.would !== null).length
  const was = alerts.filter((pair) => pair.was !== null).length
  const same = alerts.filter(({ outcome }) => outcome === 'same').length
  return [
    `${endpoint}, ${windows} windows from ${minuteOf(from)} to ${minuteOf(to)}: ${counted(would)} with this rule, ${was} were raised, ${same} the same.`,
    ...alerts.map(lineOf),
    ...notes.map((note) => `Note: ${note}.`),
  ]
}

const MARKS = { same: '=', other: '~', new: '+', gone: '-' } as const

function lineOf({ outcome, would, was }: Pair): string {
  const alert = would ?? was
  if (alert === null) return ''
  const { kind, subject, severity, detail } = alert
  const of = subject === '' ? '' : ` of ${subject}`
  const then = outcome === 'other' && was !== null ? `  (was ${spanOf(was)}, ${was.severity})` : ''
  return `${MARKS[outcome]} ${spanOf(alert)}  ${severity} ${kind}${of}: ${detail}${then}`
}

function spanOf({ raised, cleared }: { raised: string; cleared: string | null }): string {
  return `${minuteOf(raised)} ${cleared === null ? 'still open' : `until ${minuteOf(cleared)}`}`
}

function counted(alerts: number): string {
  return alerts === 1 ? '1 alert' : `${alerts} alerts`
}

function minuteOf(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}
