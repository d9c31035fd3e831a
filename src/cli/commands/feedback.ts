import type { Argv } from 'yargs'
import { Problem } from '#base/problem'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'
import { recordsIn } from './rows.ts'

interface Recorded {
  accepted: number
  unchanged: number
  replaced: number
  unknown: number
}

export const feedback = command({
  command: 'feedback <endpoint> [file]',
  describe: 'Report what turned out to be true: records {prediction or key, label, time?} as JSON',
  builder: (argv: Argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true })
      .positional('file', { type: 'string', describe: 'JSON file of truths; - is the input' })
      .option('prediction', { type: 'string', describe: 'Id of the one prediction' })
      .option('key', { type: 'string', describe: 'Key of the one entity' })
      .option('label', { type: 'string', describe: 'Its label, as JSON or text' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const truths = flags.file === undefined ? [oneTruth(flags)] : await recordsIn(flags.file)
    const recorded = await api.post<Recorded>(
      `/endpoints/${encodeURIComponent(flags.endpoint)}/ground-truth`,
      { truths },
    )
    if (flags.json === true) process.stdout.write(`${JSON.stringify(recorded)}\n`)
    else
      process.stdout.write(
        `${recorded.accepted} new, ${recorded.replaced} replaced, ${recorded.unchanged} known before; ${recorded.unknown} of no known prediction yet\n`,
      )
  },
})

function oneTruth(flags: {
  prediction?: string | undefined
  key?: string | undefined
  label?: string | undefined
}): Record<string, unknown> {
  const { prediction, key, label } = flags
  if (label === undefined || (prediction === undefined) === (key === undefined))
    throw new Problem(
      'invalid',
      'name a file of truths, or one truth by --label and either --prediction or --key',
    )
  return { ...(prediction === undefined ? { key } : { prediction }), label: labelIn(label) }
}

function labelIn(text: string): unknown {
  return /^(?:true|false|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.test(text)
    ? (JSON.parse(text.toLowerCase()) as unknown)
    : text
}
