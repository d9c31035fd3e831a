import { Problem } from '#base/problem'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownEndpoint {
  name: string
  model: string
  state: string
  failure: string | null
  live: { revision: number; modelVersion: string } | null
  shadowing: { modelVersion: string }[]
  watermark: string | null
  outcome?: string
}

export const endpoints = command({
  command: 'endpoints [name]',
  describe: 'List what serves; --roll-out serves what the model URI of an endpoint means now',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('name', { type: 'string', describe: 'One endpoint' })
      .option('roll-out', {
        type: 'boolean',
        default: false,
        describe: 'Roll out and wait for it',
      }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const { name } = flags
    if (flags['roll-out'] && name === undefined)
      throw new Problem('invalid', 'name the endpoint to roll out')
    const path = `/endpoints/${encodeURIComponent(name ?? '')}`
    const shown =
      name === undefined
        ? (await api.get<{ endpoints: ShownEndpoint[] }>('/endpoints')).endpoints
        : [
            flags['roll-out']
              ? await api.post<ShownEndpoint>(`${path}/rollout`, {})
              : await api.get<ShownEndpoint>(path),
          ]
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify(name === undefined ? shown : shown[0])}\n`)
    else if (shown.length === 0)
      process.stdout.write('Nothing serves yet; endpoints come from the orrery.yaml of projects.\n')
    else for (const each of shown) process.stdout.write(`${lineOf(each)}\n`)
  },
})

function lineOf(endpoint: ShownEndpoint): string {
  const { name, state, model, live, shadowing, failure, watermark, outcome } = endpoint
  const parts = [
    name,
    outcome ?? state,
    live === null ? `waits for ${model}` : `revision ${live.revision} = ${live.modelVersion}`,
    ...(shadowing.length === 0
      ? []
      : [`shadows ${shadowing.map((shadow) => shadow.modelVersion).join(', ')}`]),
    ...(watermark === null ? [] : [`up to ${watermark}`]),
    ...(failure === null ? [] : [`last rollout failed: ${failure}`]),
  ]
  return parts.join('  ')
}
