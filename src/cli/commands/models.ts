import { Problem } from '#base/problem'
import type { ModelsWire, ModelWire, VersionsWire } from '#protocols/api/models-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

interface Flags {
  model?: string | undefined
  asOf?: string | undefined
  search?: string | undefined
  limit: number
  after?: string | undefined
}

export const models = command({
  command: 'models [action] [model]',
  describe: 'List registered models, or show one with its versions; --as-of tells how they were',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: ['list', 'show'] as const, default: 'list' as const })
      .positional('model', { type: 'string', describe: 'The model to show' })
      .option('as-of', { type: 'string', describe: 'A date (its end, UTC) or a moment' })
      .option('search', { type: 'string', describe: 'Names that hold this' })
      .option('limit', { type: 'number', default: 100 })
      .option('after', { type: 'string', describe: 'Names after this one' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    print(flags.json, flags.action === 'show' ? await show(api, flags) : await list(api, flags))
  },
})

async function list(api: ApiClient, { asOf, search, limit, after }: Flags) {
  const found = await api.get<ModelsWire>('/models', { as_of: asOf, search, limit, after })
  const more = found.next === null ? [] : [`more: --after ${JSON.stringify(found.next)}`]
  const lines =
    found.models.length === 0
      ? ['No model is registered yet; log one with registered_model_name=…']
      : found.models.map(lineOf)
  return { value: found, lines: [...lines, ...more] }
}

async function show(api: ApiClient, { model: name, asOf, limit }: Flags) {
  if (name === undefined)
    throw new Problem(
      'invalid',
      'name the model: orrery models show MODEL; "orrery models" lists them',
    )
  const place = `/models/${encodeURIComponent(name)}`
  const { model } = await api.get<{ model: ModelWire }>(place, { as_of: asOf })
  const { versions, next } = await api.get<VersionsWire>(`${place}/versions`, {
    as_of: asOf,
    limit,
  })
  const rows = versions.map((each) => [
    String(each.version),
    each.stage,
    each.aliases.join(', ') || '-',
    timeOf(each.created),
    cellOf(each.runId),
    each.source,
  ])
  const lines = [
    lineOf(model),
    ...(model.note === '' ? [] : [model.note]),
    ...model.tags.map(({ key, value }) => `  tag  ${key}  ${value}`),
    ...tableLines(['version', 'stage', 'aliases', 'created', 'run', 'source'], rows),
    ...(next === null ? [] : [`and older ones; --limit ${limit * 2} shows more`]),
  ]
  return { value: { model, versions, next }, lines }
}

function lineOf({ name, newest, aliases }: ModelWire): string {
  return [
    name,
    newest === null ? 'no version' : `version ${newest}`,
    ...aliases.map(({ alias, version }) => `@${alias} = ${version}`),
  ].join('  ')
}
