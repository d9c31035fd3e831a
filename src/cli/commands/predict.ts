import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'
import { recordsIn } from './rows.ts'

interface Answer {
  modelVersion: string
  predictions: { id: string; outputs: Record<string, unknown> }[]
}

export const predict = command({
  command: 'predict <endpoint> <file>',
  describe: 'Predict the records of a JSON file (a list, or one object a line; - is the input)',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true })
      .positional('file', { type: 'string', demandOption: true }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const records = await recordsIn(flags.file)
    const answer = await api.post<Answer>(
      `/endpoints/${encodeURIComponent(flags.endpoint)}/predictions`,
      { records },
    )
    if (flags.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`)
    else
      for (const { id, outputs } of answer.predictions)
        process.stdout.write(`${id}  ${JSON.stringify(outputs)}\n`)
  },
})
