import { mlflowCall, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownModel {
  name: string
  aliases?: { alias: string; version: string }[]
  latest_versions?: { version: string; run_id: string }[]
}

export const models = command({
  command: 'models',
  describe: 'List registered models with their newest version and aliases',
  builder: (argv) => remoteFlags(argv).option('limit', { type: 'number', default: 100 }),
  handler: async (flags) => {
    const url = await serverUrl(flags)
    const { registered_models: shown = [] } = await mlflowCall<{
      registered_models?: ShownModel[]
    }>(url, `registered-models/search?max_results=${flags.limit}`)
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ models: shown })}\n`)
    else if (shown.length === 0)
      process.stdout.write('No model is registered yet; log one with registered_model_name=…\n')
    else for (const model of shown) process.stdout.write(`${lineOf(model)}\n`)
  },
})

function lineOf({ name, aliases = [], latest_versions: versions = [] }: ShownModel): string {
  const newest = Math.max(0, ...versions.map(({ version }) => Number(version)))
  return [
    name,
    `version ${newest}`,
    ...aliases.map(({ alias, version }) => `@${alias} = ${version}`),
  ].join('  ')
}
