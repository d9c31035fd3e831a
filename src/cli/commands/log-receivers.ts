import { environment } from '#app/settings/environment'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownReceiver {
  id: string
  name: string
  url: string
  logs: string[]
  health: { shipped: number; rejected: number; rejection: string | null; failure: string | null }
}

interface Flags {
  name?: string | undefined
  target?: string | undefined
  logs: string[]
  namespace?: string | undefined
  keyEnv?: string | undefined
  from: string
  yes: boolean
}

interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

export const logReceivers = command({
  command: 'log-receivers <action> [name] [target]',
  describe: 'Send events and predictions to Elasticsearch: list, add, show, remove',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['list', 'add', 'show', 'remove'] as const,
        demandOption: true,
      })
      .positional('name', { type: 'string', describe: 'Of the receiver' })
      .positional('target', { type: 'string', describe: 'Address of Elasticsearch' })
      .option('logs', {
        choices: ['events', 'predictions'] as const,
        array: true,
        default: ['events', 'predictions'],
        describe: 'What it is sent',
      })
      .option('namespace', { type: 'string', describe: 'Last part of the data streams: default' })
      .option('key-env', { type: 'string', describe: 'Variable that holds its API key' })
      .option('from', {
        choices: ['start', 'now'] as const,
        default: 'now',
        describe: 'All there is, or what comes from now on',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Remove it' })
      .example(
        '$0 log-receivers add search https://elastic.example:9200 --key-env ELASTIC_API_KEY',
        'both logs, from now on',
      ),
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

const ACTIONS: Readonly<
  Record<'list' | 'add' | 'show' | 'remove', (api: ApiClient, flags: Flags) => Promise<Shown>>
> = {
  list: async (api) => {
    const { receivers } = await api.get<{ receivers: ShownReceiver[] }>('/log-receivers')
    const none = 'No search engine is sent the logs; "orrery log-receivers add NAME URL" adds one.'
    return { value: receivers, lines: receivers.length === 0 ? [none] : receivers.map(lineOf) }
  },
  add: async (api, flags) => {
    const { target, logs, namespace, keyEnv, from } = flags
    if (target === undefined)
      throw new Problem('invalid', 'name it and its address: orrery log-receivers add NAME URL')
    const key = keyEnv === undefined ? undefined : environment[keyEnv]
    if (keyEnv !== undefined && key === undefined)
      throw new Problem('invalid', `the variable ${keyEnv} is not set; it should hold the API key`)
    const asked = { name: nameIn(flags), url: target, logs, namespace, key, from }
    const added = await api.post<ShownReceiver>('/log-receivers', asked)
    return { value: added, lines: [lineOf(added)] }
  },
  show: async (api, flags) => {
    const shown = await api.get<ShownReceiver>(pathOf(flags))
    return { value: shown, lines: [lineOf(shown)] }
  },
  remove: async (api, flags) => {
    const { id, name } = await api.get<ShownReceiver>(pathOf(flags))
    if (!flags.yes)
      return {
        value: { receiver: id, removed: false },
        lines: [`would send ${name} nothing any more; what it has stays there. Say --yes to do it`],
      }
    await api.delete(pathOf(flags))
    return { value: { receiver: id, removed: true }, lines: [`${name} is sent nothing any more`] }
  },
}

function nameIn({ name }: Flags): string {
  if (name !== undefined) return name
  throw new Problem(
    'invalid',
    'name the receiver; "orrery log-receivers list" shows those there are',
  )
}

function pathOf(flags: Flags): string {
  return `/log-receivers/${encodeURIComponent(nameIn(flags))}`
}

function lineOf({ name, url, logs, health }: ShownReceiver): string {
  const { shipped, rejected, rejection, failure } = health
  return [
    name,
    url,
    logs.join(' and '),
    `${shipped} sent`,
    ...(rejected > 0 ? [`${rejected} refused, the last for ${rejection ?? 'no reason'}`] : []),
    ...(failure === null ? [] : [`waits: ${failure}`]),
  ].join('  ')
}
