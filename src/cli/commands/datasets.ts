import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

interface ShownVersion {
  version: string
  added: string
  sizeBytes: number | null
  files: number | null
  commit: string | null
  author: string | null
  message: string | null
}

interface ShownDataset {
  project: string
  path: string
  kind: string
  versions: number
  newest: ShownVersion
}

interface ShownRun {
  relation: string
  version: string
  run: string
  stage: string | null
  state: string | null
  started: string | null
  checks: { outcome: string } | null
}

interface Flags {
  project?: string | undefined
  path?: string | undefined
  search?: string | undefined
  kind?: string | undefined
  limit: number
  after?: string | undefined
}

interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

export const datasets = command({
  command: 'datasets <action> [project] [path]',
  describe: 'What projects of a server track and make: list, or show the versions and runs of one',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: ['list', 'show'] as const, demandOption: true })
      .positional('project', { type: 'string', describe: 'Name of the project' })
      .positional('path', { type: 'string', describe: 'For show: the path in the project' })
      .option('search', { type: 'string', describe: 'For list: paths that hold this' })
      .option('kind', {
        choices: ['tracked', 'made'] as const,
        describe: 'For list: tracked by commits, or made by stages',
      })
      .option('limit', { type: 'number', default: 50, describe: 'Rows of a page' })
      .option('after', { type: 'string', describe: 'For list: the next page' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    print(flags.json, await (flags.action === 'list' ? list(api, flags) : show(api, flags)))
  },
})

async function list(
  api: ApiClient,
  { project, search, kind, limit, after }: Flags,
): Promise<Shown> {
  const query = { project, search, kind, limit, after }
  const page = await api.get<{ datasets: ShownDataset[]; next: string | null }>('/datasets', query)
  const rows = page.datasets.map((each) => [
    each.project,
    each.path,
    each.kind,
    String(each.versions),
    each.newest.version.slice(0, 8),
    cellOf(each.newest.sizeBytes),
    timeOf(each.newest.added),
  ])
  const heads = ['project', 'path', 'kind', 'versions', 'newest', 'bytes', 'added']
  return {
    value: page,
    lines: [
      ...(rows.length === 0
        ? ['No dataset is like that; "orrery project add ." brings those of a project.']
        : tableLines(heads, rows)),
      ...(page.next === null ? [] : [`More: --after ${page.next}`]),
    ],
  }
}

async function show(api: ApiClient, { project, path, limit }: Flags): Promise<Shown> {
  if (project === undefined || path === undefined)
    throw new Problem(
      'invalid',
      'name the project and the path: orrery datasets show PROJECT PATH; "orrery datasets list" lists them',
    )
  const place = `/datasets/${encodeURIComponent(project)}/${encodeURIComponent(path)}`
  const [dataset, found, used] = await Promise.all([
    api.get<ShownDataset>(place),
    api.get<{ versions: ShownVersion[]; next: number | null }>(`${place}/versions`, { limit }),
    api.get<{ runs: ShownRun[]; next: number | null }>(`${place}/runs`, { limit }),
  ])
  const more = found.next === null ? [] : ['More versions: give a larger --limit']
  return {
    value: { ...dataset, versions: found.versions, runs: used.runs },
    lines: [
      `${path} of ${project}, ${dataset.kind}, ${dataset.versions} versions`,
      '',
      ...tableLines(
        ['version', 'commit', 'bytes', 'files', 'added', 'said'],
        found.versions.map((each) => [
          each.version,
          cellOf(each.commit?.slice(0, 8)),
          cellOf(each.sizeBytes),
          cellOf(each.files),
          timeOf(each.added),
          cellOf(each.message?.split('\n')[0]),
        ]),
      ),
      ...more,
      ...runLines(used.runs),
    ],
  }
}

function runLines(runs: readonly ShownRun[]): string[] {
  if (runs.length === 0) return []
  const heads = ['stage', 'did', 'version', 'run', 'state', 'contracts', 'started']
  const rows = runs.map((run) => [
    cellOf(run.stage),
    run.relation,
    run.version.slice(0, 8),
    run.run,
    cellOf(run.state),
    cellOf(run.checks?.outcome),
    timeOf(run.started),
  ])
  return ['', ...tableLines(heads, rows)]
}
