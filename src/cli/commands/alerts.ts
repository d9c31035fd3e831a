import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownAlert {
  endpoint: string
  kind: string
  detail: string
  state: 'open' | 'cleared'
  raisedWindow: string
  clearedWindow: string | null
}

export const alerts = command({
  command: 'alerts [endpoint]',
  describe: 'List what the monitors alerted to, the last raised first',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', describe: 'One endpoint' })
      .option('open', {
        type: 'boolean',
        default: false,
        describe: 'Only those that are not cleared',
      })
      .option('limit', { type: 'number', default: 20 }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const page = await api.get<{ alerts: ShownAlert[] }>('/alerts', {
      limit: flags.limit,
      endpoint: flags.endpoint,
      open: flags.open ? 'true' : undefined,
    })
    if (flags.json === true) process.stdout.write(`${JSON.stringify(page)}\n`)
    else if (page.alerts.length === 0) process.stdout.write('No alert.\n')
    else for (const alert of page.alerts) process.stdout.write(`${lineOf(alert)}\n`)
  },
})

function lineOf({
  endpoint,
  kind,
  detail,
  state,
  raisedWindow,
  clearedWindow,
}: ShownAlert): string {
  const until = clearedWindow === null ? 'open' : `until ${clearedWindow.slice(0, 10)}`
  return `${raisedWindow.slice(0, 10)} ${until}  ${state === 'open' ? '! ' : ''}${kind} on ${endpoint}: ${detail}`
}
