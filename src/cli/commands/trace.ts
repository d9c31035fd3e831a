import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

export interface ShownTrace {
  prediction: Record<string, unknown> & { id: string; endpoint: string }
  chain: {
    kind: string
    id: string
    depth: number
    via: { from: { kind: string; id: string }; relation: string; position: number } | null
    /** Of what is gone for good: only the ledger still tells of it. */
    purged?: { at: string; by: string }
  }[]
  /** Whether there is more than the server walks through. */
  cut: boolean
}

export const trace = command({
  command: 'trace <prediction>',
  describe: 'Walk one prediction back to its model version, run, commit, environment and data',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('prediction', {
        type: 'string',
        demandOption: true,
        describe: 'Prediction id',
      })
      .option('endpoint', {
        type: 'string',
        describe: 'Where another system told of it, by a name that is used elsewhere too',
      }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const shown = await api.get<ShownTrace>(
      `/predictions/${encodeURIComponent(flags.prediction)}/trace`,
      flags.endpoint === undefined ? {} : { endpoint: flags.endpoint },
    )
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(shown)}\n` : `${traceLines(shown).join('\n')}\n`,
    )
  },
})

/** The chain as a reader follows it, each step with the ledger entry that proves it. */
export function traceLines({ prediction, chain, cut }: ShownTrace): string[] {
  return [
    `prediction ${prediction.id} of ${prediction.endpoint}`,
    ...chain.map(({ kind, id, via, purged }) => {
      const because =
        via === null ? '' : `  (${via.from.kind} ${via.relation}; entry ${via.position})`
      const gone = purged === undefined ? '' : `  purged on ${purged.at} by ${purged.by}`
      return `  ${kind.padEnd(16)} ${id}${because}${gone}`
    }),
    ...(cut ? ['  … and more than one walk takes in; go on from a step with /api/v1/lineage'] : []),
  ]
}
