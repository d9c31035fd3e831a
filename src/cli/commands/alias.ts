import { Problem } from '#base/problem'
import { serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'
import { modelAndVersion } from './promote.ts'

export const alias = command({
  command: 'alias <candidate> <name>',
  describe: 'Point an unprotected alias at a model version: alias flights-late:1 baseline',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('candidate', { type: 'string', demandOption: true, describe: 'MODEL:VERSION' })
      .positional('name', { type: 'string', demandOption: true, describe: 'The alias' }),
  handler: async (flags) => {
    const { model, version } = modelAndVersion(flags.candidate)
    const url = await serverUrl(flags)
    const response = await fetch(`${url}/api/2.0/mlflow/registered-models/alias`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: model, alias: flags.name, version: String(version) }),
    })
    if (!response.ok) {
      const { message } = (await response.json()) as { message?: string }
      throw new Problem('invalid', message ?? `the server answered ${response.status}`)
    }
    const shown = { model, version, alias: flags.name }
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(shown)}\n`
        : `${model}:${version} is now ${flags.name}\n`,
    )
  },
})
