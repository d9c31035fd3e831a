import { Problem } from '#base/problem'
import type { FoldersWire } from '#protocols/api/folders-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

interface Renamed {
  moved: boolean
  experiments: number
  renames: { experimentId: string; from: string; to: string }[]
}

interface Flags {
  from?: string | undefined
  to?: string | undefined
  search?: string | undefined
  view: string
  limit: number
  after?: string | undefined
  afterFolder?: string | undefined
  preview: boolean
}

export const experiments = command({
  command: 'experiments [action] [from] [to]',
  describe: 'List the folders and experiments of a folder, or move some: experiments move a/b c',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: ['list', 'move'] as const, default: 'list' as const })
      .positional('from', { type: 'string', describe: 'The folder to list; what to move' })
      .positional('to', { type: 'string', describe: 'What it is called then' })
      .option('search', { type: 'string', describe: 'Experiments whose names hold this' })
      .option('view', { choices: ['active', 'deleted', 'all'], default: 'active' })
      .option('preview', { type: 'boolean', default: false, describe: 'Tell what would be moved' })
      .option('limit', { type: 'number', default: 100, describe: 'Lines of each kind' })
      .option('after', { type: 'string', describe: 'Experiments after this name' })
      .option('after-folder', { type: 'string', describe: 'Folders after this one' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    print(flags.json, flags.action === 'move' ? await move(api, flags) : await list(api, flags))
  },
})

async function list(api: ApiClient, flags: Flags) {
  const { from: folder = '', search, view, limit, after, afterFolder } = flags
  const found = await api.get<FoldersWire>('/experiments', {
    folder,
    search,
    view,
    limit,
    after,
    afterFolder,
  })
  const rows = [
    ...found.folders.map((each) => [`${each.folder}/`, '', `${each.experiments} experiments`, '']),
    ...found.experiments.map((each) => [
      each.name,
      each.experimentId,
      `${each.runs} runs`,
      timeOf(each.updated),
    ]),
  ]
  const more = [
    ...(found.nextFolder === null ? [] : [`--after-folder ${found.nextFolder}`]),
    ...(found.next === null ? [] : [`--after ${found.next}`]),
  ]
  const lines =
    rows.length === 0 ? ['Nothing is there.'] : tableLines(['name', 'id', '', 'changed'], rows)
  return { value: found, lines: more.length === 0 ? lines : [...lines, `more: ${more.join(' ')}`] }
}

async function move(api: ApiClient, { from, to, preview }: Flags) {
  if (from === undefined || to === undefined)
    throw new Problem('invalid', 'name what to move and where: orrery experiments move FROM TO')
  const done = await api.post<Renamed>('/experiments/move', { from, to, preview })
  const shown = done.renames.map((each) => `  ${each.from} -> ${each.to}`)
  const verb = done.moved ? 'Renamed' : 'Would rename'
  return {
    value: done,
    lines: [
      `${verb} ${done.experiments} experiments${shown.length < done.experiments ? ', among them' : ''}:`,
      ...shown,
    ],
  }
}
