import type { AliasesWire, ChangeWire, HistoryWire } from '#protocols/api/models-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

const KINDS = ['model', 'version', 'alias', 'stage', 'tag', 'description'] as const
const SHOWN_CHARS_MAX = 60

export const history = command({
  command: 'history <model>',
  describe: 'Every change of a model with who, when and why; --as-of tells its aliases on a day',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('model', { type: 'string', demandOption: true })
      .option('as-of', { type: 'string', describe: 'A date (its end, UTC) or a moment' })
      .option('kind', { choices: KINDS, array: true, describe: 'Only these changes' })
      .option('limit', { type: 'number', default: 50, describe: 'Changes on a page' })
      .option('before', { type: 'number', describe: 'Changes before this ledger entry' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const place = `/models/${encodeURIComponent(flags.model)}`
    print(
      flags.json,
      flags.asOf === undefined
        ? await changes(api, place, flags)
        : await aliases(api, place, flags.asOf),
    )
  },
})

async function aliases(api: ApiClient, place: string, asOf: string) {
  const then = await api.get<AliasesWire>(`${place}/aliases`, { as_of: asOf })
  const lines = then.aliases.map(({ alias, version }) => `  ${alias} = version ${version}`)
  return {
    value: then,
    lines: [
      `${then.model} as of ${then.asOf ?? 'now'}:`,
      ...(lines.length === 0 ? ['  it had no alias'] : lines),
    ],
  }
}

async function changes(
  api: ApiClient,
  place: string,
  flags: { kind?: readonly string[] | undefined; limit: number; before?: number | undefined },
) {
  const search = new URLSearchParams({ limit: String(flags.limit) })
  for (const kind of flags.kind ?? []) search.append('kind', kind)
  if (flags.before !== undefined) search.set('before', String(flags.before))
  const found = await api.get<HistoryWire>(`${place}/history?${search.toString()}`)
  const rows = found.changes.map((change) => [
    timeOf(change.at),
    change.actor.id,
    wordsFor(change),
    `${briefly(change.from)} -> ${briefly(change.to)}`,
    change.reason ?? '',
  ])
  const more = found.next === null ? [] : [`more: --before ${found.next}`]
  return {
    value: found,
    lines: [...tableLines(['when', 'who', 'what', 'from -> to', 'why'], rows), ...more],
  }
}

function wordsFor({ kind, version, key }: ChangeWire): string {
  const what = key === '' ? kind : `${kind} ${key}`
  if (version === null) return what
  return kind === 'version' ? `version ${version}` : `${what} of version ${version}`
}

function briefly(text: string | null): string {
  const line = cellOf(text).replaceAll(/\s+/g, ' ')
  return line.length > SHOWN_CHARS_MAX ? `${line.slice(0, SHOWN_CHARS_MAX)}…` : line
}
