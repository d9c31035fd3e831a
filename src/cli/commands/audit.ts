import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { verifyHome } from '#app/home/verify-home'
import { loadConfig } from '#app/settings/config'
import { Problem } from '#base/problem'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

export const audit = command({
  command: 'audit <action> [position]',
  describe: 'Verify the ledger, prove that an entry is in it, or export it',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['verify', 'prove', 'export'] as const,
        demandOption: true,
        describe: 'verify works on the files of --home, with or without a server',
      })
      .positional('position', { type: 'number', describe: 'The entry to prove' })
      .option('against', {
        type: 'string',
        describe: 'File with a checkpoint that was kept elsewhere, for verify',
      })
      .option('database', {
        type: 'string',
        describe: 'postgres:// URL of the database to verify, where --home has another',
      }),
  handler: async (flags) => {
    if (flags.action === 'verify') await verify(flags)
    else if (flags.action === 'prove') await prove(flags)
    else await exportEntries(flags)
  },
})

interface Flags {
  url?: string | undefined
  home?: string | undefined
  against?: string | undefined
  database?: string | undefined
  position?: number | undefined
  json?: boolean
}

async function verify({ home, database, against, json }: Flags): Promise<void> {
  const { config } = loadConfig({ home, database })
  const outside = against === undefined ? undefined : await textOfFile(against)
  const verdict = await verifyHome(config.home, {
    against: outside,
    database: config.database,
    keys: config.keys,
  })
  const { entries, checkpoints, head, verifier, faults } = verdict
  if (faults.length > 0) process.exitCode = 1
  if (json === true) {
    process.stdout.write(`${JSON.stringify(verdict)}\n`)
    return
  }
  const lines = [
    `entries      ${entries}`,
    `checkpoints  ${checkpoints}`,
    `head         ${head}`,
    `signed by    ${verifier}`,
    faults.length === 0
      ? `The ledger is whole${against === undefined ? '' : ', and continues the given checkpoint'}.`
      : `The ledger is NOT whole:`,
    ...faults.map((fault) => `  ${fault}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function prove(flags: Flags): Promise<void> {
  if (flags.position === undefined || !Number.isInteger(flags.position))
    throw new Problem(
      'invalid',
      'name the entry to prove by its number: orrery audit prove POSITION',
    )
  const api = apiClient(await serverUrl(flags))
  const receipt = await api.get(`/ledger/entries/${encodeURIComponent(flags.position)}/proof`)
  process.stdout.write(`${JSON.stringify(receipt, null, flags.json === true ? 0 : 2)}\n`)
}

async function exportEntries(flags: Flags): Promise<void> {
  const api = apiClient(await serverUrl(flags))
  for await (const chunk of api.stream('/ledger/export'))
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}

async function textOfFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Problem('not-found', `cannot read the checkpoint in ${path}`, {
      cause: String(cause),
    })
  }
}
