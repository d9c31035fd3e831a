import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownRun {
  id: string
  policy: string
  endpoint: string
  causeType: string
  event: string
  state: string
  reason: string | null
  modelVersion: string | null
}

export const policies = command({
  command: 'policies',
  describe: 'List what the policies did, newest first',
  builder: (argv) => remoteFlags(argv).option('limit', { type: 'number', default: 20 }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const page = await api.get<{ policyRuns: ShownRun[] }>('/policy-runs', { limit: flags.limit })
    if (flags.json === true) process.stdout.write(`${JSON.stringify(page)}\n`)
    else if (page.policyRuns.length === 0) process.stdout.write('No policy has acted yet.\n')
    else
      for (const run of page.policyRuns)
        process.stdout.write(
          `${run.event.slice(0, 10)}  ${run.state.padEnd(9)}  ${run.policy} on ${run.causeType} of ${run.endpoint}${run.modelVersion === null ? '' : ` made ${run.modelVersion}`}${run.reason === null ? '' : `: ${run.reason}`}\n`,
        )
  },
})
