import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

const ACTIONS = ['list', 'show', 'pause', 'resume', 'abort', 'finish', 'undo'] as const

interface Seen {
  n: number
  estimate: number | null
  lower: number | null
  upper: number | null
}

interface ShownRollout {
  id: string
  endpoint: string
  from: number
  to: number
  state: string
  step: number
  steps: number[]
  share: number
  started: string
  ended: string | null
  reason: string | null
  everyMs: number
  stepMs: number
  minSamples: number
  stepSamples: number
  numbers: {
    e: number
    threshold: number
    guards: { guard: string; e: number; limit: Record<string, number>; new: Seen; old: Seen }[]
  }
}

export const rollout = command({
  command: 'rollout <action> <endpoint>',
  describe: 'Moves of traffic to a new revision: list, show, pause, resume, abort, finish, undo',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: ACTIONS, demandOption: true })
      .positional('endpoint', { type: 'string', demandOption: true })
      .option('reason', { type: 'string', describe: 'Why, for the ledger' })
      .option('limit', { type: 'number', default: 20, describe: 'For list: rollouts on a page' })
      .option('before', { type: 'string', describe: 'For list: what the page before ended with' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const place = `/endpoints/${encodeURIComponent(flags.endpoint)}/rollouts`
    if (flags.action === 'list') return print(flags.json, await listed(api, place, flags))
    const { action, reason } = flags
    const shown =
      action === 'show'
        ? await api.get<ShownRollout>(`${place}/newest`)
        : await api.post<ShownRollout>(`${place}/${action}`, reason === undefined ? {} : { reason })
    return print(flags.json, { value: shown, lines: linesOf(shown) })
  },
})

async function listed(
  api: ApiClient,
  place: string,
  { limit, before }: { limit: number; before?: string | undefined },
) {
  const page = await api.get<{ rollouts: ShownRollout[]; next: string | null }>(place, {
    limit,
    before,
  })
  const rows = page.rollouts.map((each) => [
    each.id,
    `${each.from} → ${each.to}`,
    each.state,
    `${each.share} %`,
    cellOf(each.numbers.e),
    timeOf(each.started),
    timeOf(each.ended),
    cellOf(each.reason),
  ])
  const heads = ['ROLLOUT', 'REVISION', 'STATE', 'NEW', 'EVIDENCE', 'STARTED', 'ENDED', 'REASON']
  return {
    value: page,
    lines: [
      ...(rows.length === 0 ? ['No rollout in steps yet.'] : tableLines(heads, rows)),
      ...(page.next === null ? [] : [`more: --before ${page.next}`]),
    ],
  }
}

function linesOf(shown: ShownRollout): string[] {
  const { numbers, step, steps, share, state, reason } = shown
  const isOpen = state === 'running' || state === 'paused'
  const rows = numbers.guards.map((guard) => [
    guard.guard,
    Object.entries(guard.limit)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    seenCell(guard.new),
    seenCell(guard.old),
    cellOf(guard.e),
  ])
  return [
    `${shown.endpoint}: revision ${shown.from} → ${shown.to}, ${state}${reason === null ? '' : ` (${reason})`}`,
    `step ${step} of ${steps.length}: ${share} % to revision ${shown.to}`,
    ...(isOpen
      ? [
          `in this step for ${seconds(shown.stepMs)} of ${seconds(shown.everyMs)}, ${shown.stepSamples} of ${shown.minSamples} requests`,
        ]
      : []),
    `evidence against it ${cellOf(numbers.e)}; it is given up at ${cellOf(numbers.threshold)}`,
    ...tableLines(['GUARD', 'LIMIT', `NEW (${shown.to})`, `OLD (${shown.from})`, 'EVIDENCE'], rows),
  ]
}

function seenCell({ estimate, lower, upper }: Seen): string {
  return estimate === null ? '-' : `${cellOf(estimate)} [${cellOf(lower)}, ${cellOf(upper)}]`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

export const traffic = command({
  command: 'traffic <endpoint> [weights..]',
  describe: 'Divide the traffic of an endpoint among revisions: traffic late 1=90 2=10',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true })
      .positional('weights', {
        type: 'string',
        array: true,
        describe: 'REVISION=WEIGHT; without, what they are is shown',
      }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const place = `/endpoints/${encodeURIComponent(flags.endpoint)}`
    const weights = (flags.weights ?? []).map(weightIn)
    const { answering } =
      weights.length === 0
        ? await api.get<ShownTraffic>(place)
        : await api.put<ShownTraffic>(`${place}/traffic`, { weights })
    const total = answering.reduce((sum, { weight }) => sum + weight, 0)
    const rows = answering.map(({ revision, modelVersion, weight }) => [
      String(revision),
      modelVersion,
      String(weight),
      `${cellOf((100 * weight) / total)} %`,
    ])
    print(flags.json, {
      value: answering,
      lines:
        rows.length === 0
          ? ['Nothing answers yet.']
          : tableLines(['REVISION', 'VERSION', 'WEIGHT', 'SHARE'], rows),
    })
  },
})

interface ShownTraffic {
  answering: { revision: number; modelVersion: string; weight: number }[]
}

/** Throws `invalid` for what is no revision and weight. */
function weightIn(text: string): { revision: number; weight: number } {
  const [, revision, weight] = /^(\d+)=(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (revision === undefined || weight === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(text)} is no weight; write REVISION=WEIGHT, as 2=10`,
    )
  return { revision: Number(revision), weight: Number(weight) }
}
