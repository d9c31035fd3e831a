import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface Flags {
  name: string
  model?: string | undefined
  pin: boolean
  quota?: number | undefined
  burst?: number | undefined
  quotaBy?: string | undefined
  timeoutMs?: number | undefined
  queue?: number | undefined
  yes: boolean
}

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
  load: async (api, { name }) =>
    shown('is loaded', await api.post<ShownEndpoint>(`${pathOf(name)}/load`, {})),
  unload: async (api, { name }) =>
    shown('is unloaded', await api.post<ShownEndpoint>(`${pathOf(name)}/unload`, {})),
  remove: async (api, { name, yes }) => {
    const endpoint = await api.get<ShownEndpoint>(pathOf(name))
    if (!yes)
      return {
        value: { endpoint: name, removed: false },
        line: `would remove endpoint ${name}${servingOf(endpoint)}; its predictions stay. Say --yes to do it`,
      }
    await api.delete(pathOf(name))
    return { value: { endpoint: name, removed: true }, line: `endpoint ${name} is removed` }
  },
}

export const endpoint = command({
  command: 'endpoint <action> <name>',
  describe: 'Make endpoints by hand: create, load, unload, remove',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: Object.keys(ACTIONS), demandOption: true })
      .positional('name', { type: 'string', demandOption: true, describe: 'The endpoint' })
      .option('model', { type: 'string', describe: 'models:/NAME@ALIAS or models:/NAME/VERSION' })
      .option('pin', {
        type: 'boolean',
        default: false,
        describe: 'Keep it loaded, also when memory is short',
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
      .option('yes', { type: 'boolean', default: false, describe: 'Remove it, not only say so' }),
  handler: async (flags) => {
    const act = ACTIONS[flags.action]
    if (act === undefined) throw new Problem('invalid', `there is no action ${flags.action}`)
    const { value, line } = await act(apiClient(await serverUrl(flags)), flags)
    process.stdout.write(`${flags.json === true ? JSON.stringify(value) : line}\n`)
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
