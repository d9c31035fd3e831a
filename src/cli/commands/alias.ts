import { mlflowCall, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'
import { modelAndVersion } from './promote.ts'

export const alias = command({
  command: 'alias <candidate> <name>',
  describe: 'Point an unprotected alias at a model version: alias flights-late:1 baseline',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('candidate', { type: 'string', demandOption: true, describe: 'MODEL:VERSION' })
      .positional('name', { type: 'string', demandOption: true, describe: 'The alias' })
      .option('reason', { type: 'string', describe: 'Why, for the history of the model' }),
  handler: async (flags) => {
    const { model, version } = modelAndVersion(flags.candidate)
    const url = await serverUrl(flags)
    await mlflowCall(
      url,
      'registered-models/alias',
      { name: model, alias: flags.name, version: String(version) },
      { reason: flags.reason },
    )
    const shown = { model, version, alias: flags.name }
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(shown)}\n`
        : `${model}:${version} is now ${flags.name}\n`,
    )
  },
})
