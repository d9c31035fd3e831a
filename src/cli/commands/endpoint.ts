import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { print } from '../table.ts'
import { follow, listed, logged, shownWhole, tried, type Looked } from './endpoint-look.ts'
import { used } from './endpoint-usage.ts'
import { remoteFlags } from './project.ts'

interface Flags {
  name: string
  model?: string | undefined
  pin?: boolean | undefined
  without?: readonly (keyof typeof LIMITS)[] | undefined
  quota?: number | undefined
  burst?: number | undefined
  quotaBy?: string | undefined
  timeoutMs?: number | undefined
  queue?: number | undefined
  yes: boolean
  limit: number
  after?: string | undefined
  before?: string | undefined
  follow: boolean
  failed: boolean
  since: string
  json?: boolean | undefined
}

/** Limits as flags and as the API name them. */
const LIMITS = { quota: 'quota', 'timeout-ms': 'timeout_ms', queue: 'queue' } as const

/** What an action gives: the value for --json and the line for people. */
interface Shown {
  readonly value: unknown
  readonly line: string
}

interface ShownEndpoint {
  name: string
  state: string
  live: { modelVersion: string } | null
}

const ACTIONS: Readonly<Record<string, (api: ApiClient, flags: Flags) => Promise<Shown>>> = {
  create: async (api, flags) => {
    const { name, model, pin } = flags
    if (model === undefined)
      throw new Problem('invalid', 'say which model it serves: --model models:/NAME@ALIAS')
    const asked = { name, model, pin, limits: limitsIn(flags) }
    return shown('is there', await api.post<ShownEndpoint>('/endpoints', asked))
  },
  update: async (api, flags) => {
    const { name, model, pin, without = [] } = flags
    const gone = Object.fromEntries(without.map((limit) => [LIMITS[limit], null]))
    const asked = { model, pin, limits: { ...limitsIn(flags), ...gone } }
    return shown('is changed', await api.patch<ShownEndpoint>(pathOf(name), asked))
  },
  load: async (api, { name }) =>
    shown('is loaded', await api.post<ShownEndpoint>(`${pathOf(name)}/load`, {})),
  unload: async (api, { name }) =>
    shown('is unloaded', await api.post<ShownEndpoint>(`${pathOf(name)}/unload`, {})),
  remove,
  delete: remove,
}

async function remove(api: ApiClient, { name, yes }: Flags): Promise<Shown> {
  const endpoint = await api.get<ShownEndpoint>(pathOf(name))
  if (!yes)
    return {
      value: { endpoint: name, removed: false },
      line: `would remove endpoint ${name}${servingOf(endpoint)}; its predictions stay. Say --yes to do it`,
    }
  await api.delete(pathOf(name))
  return { value: { endpoint: name, removed: true }, line: `endpoint ${name} is removed` }
}

const LOOKS: Readonly<Record<string, (api: ApiClient, flags: Flags) => Promise<Looked>>> = {
  show: (api, { name }) => shownWhole(api, name),
  test: async (api, { name }) => {
    const looked = await tried(api, name)
    if (looked.failed) process.exitCode = 1
    return looked
  },
  logs: async (api, flags) => {
    const { name, json, failed } = flags
    if (flags.follow && !failed) {
      await follow(api, name, (prediction, line) =>
        process.stdout.write(`${json === true ? JSON.stringify(prediction) : line}\n`),
      )
      return { value: null, lines: [] }
    }
    return logged(api, name, flags)
  },
  usage: (api, { name, since }) => used(api, name, { since, nowMs: systemClock.nowMs() }),
}

export const endpoint = command({
  command: 'endpoint <action> [name]',
  describe: 'What serves: list, show, test, logs, usage, create, update, load, unload, delete',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['list', ...Object.keys(LOOKS), ...Object.keys(ACTIONS)],
        demandOption: true,
      })
      .positional('name', { type: 'string', describe: 'The endpoint' })
      .option('model', { type: 'string', describe: 'models:/NAME@ALIAS or models:/NAME/VERSION' })
      .option('pin', {
        type: 'boolean',
        describe: 'Keep it loaded, also when memory is short; --no-pin does not any more',
      })
      .option('quota', {
        type: 'number',
        describe: 'Requests a second that one caller may make, as --quota-by tells callers apart',
      })
      .option('burst', {
        type: 'number',
        describe: 'Requests that one caller may make at once; by default those of a second',
      })
      .option('quota-by', {
        type: 'string',
        describe: 'The header that names the caller; by default x-sticky-key',
      })
      .option('timeout-ms', { type: 'number', describe: 'How long a prediction may take' })
      .option('queue', {
        type: 'number',
        describe: 'Calls that may wait for the model at the same time',
      })
      .option('without', {
        type: 'string',
        array: true,
        choices: Object.keys(LIMITS) as (keyof typeof LIMITS)[],
        describe: 'For update: limits that go',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Remove it, not only say so' })
      .option('limit', { type: 'number', default: 50, describe: 'For list and logs: how many' })
      .option('after', { type: 'string', describe: 'For list: what the page before ended with' })
      .option('before', { type: 'string', describe: 'For logs: what the page before ended with' })
      .option('follow', {
        type: 'boolean',
        default: false,
        describe: 'For logs: go on as they come',
      })
      .option('failed', {
        type: 'boolean',
        default: false,
        describe: 'For logs: what was not answered',
      })
      .option('since', {
        type: 'string',
        default: '24h',
        describe: 'For usage: how far back, as 24h, or a moment',
      }),
  handler: async (flags) => {
    const { action, name } = flags
    if (!(flags.limit >= 1)) throw new Problem('invalid', '--limit is a number, 1 or more')
    const api = apiClient(await serverUrl(flags))
    if (action === 'list') return print(flags.json, await listed(api, flags))
    if (name === undefined) throw new Problem('invalid', `name the endpoint to ${action}`)
    const look = LOOKS[action]
    if (look !== undefined) return print(flags.json, await look(api, { ...flags, name }))
    const act = ACTIONS[action]
    if (act === undefined) throw new Problem('invalid', `there is no action ${action}`)
    const { value, line } = await act(api, { ...flags, name })
    return void process.stdout.write(`${flags.json === true ? JSON.stringify(value) : line}\n`)
  },
})

function limitsIn({ quota, burst, quotaBy: by, timeoutMs, queue }: Flags) {
  if (quota === undefined && (burst !== undefined || by !== undefined))
    throw new Problem('invalid', '--burst and --quota-by say more of a --quota; give that as well')
  return {
    timeout_ms: timeoutMs,
    queue,
    quota: quota === undefined ? undefined : { per_second: quota, burst, by },
  }
}

function shown(what: string, value: ShownEndpoint): Shown {
  return { value, line: `endpoint ${value.name} ${what}${servingOf(value)}` }
}

function servingOf({ live }: ShownEndpoint): string {
  return live === null ? '' : `, of ${live.modelVersion}`
}

function pathOf(name: string): string {
  return `/endpoints/${encodeURIComponent(name)}`
}
