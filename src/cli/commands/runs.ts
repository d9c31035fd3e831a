import { Problem } from '#base/problem'
import type { RunsWire, TreeWire } from '#protocols/api/runs-wire'
import { apiClient, mlflowCall, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { differencesOf, type ComparedRun } from '../compare.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

interface ShownRun {
  info: { run_id: string; run_name: string; status: string; start_time: number; end_time?: number }
  data: Record<'metrics' | 'params' | 'tags', { key: string; value: number | string }[] | undefined>
}

interface Flags {
  url: string
  runs: string[]
  filter: string
  folder?: string | undefined
  orderBy: string[]
  columns: string[]
  limit: number
  page?: string | undefined
  depth: number
  all: boolean
}

interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

const ACTIONS = { list, show, tree, compare } as const
const SHOWN = ['attributes.run_name', 'attributes.status', 'attributes.start_time']

export const runs = command({
  command: 'runs [action] [runs..]',
  describe: 'List runs across experiments, show one, its tree, or what differs between some',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: Object.keys(ACTIONS) as (keyof typeof ACTIONS)[],
        default: 'list' as const,
        describe: 'compare and show take run ids, tree takes one',
      })
      .positional('runs', { type: 'string', array: true, default: [], describe: 'Run ids' })
      .option('filter', {
        type: 'string',
        default: '',
        describe: 'For example "metrics.roc_auc > 0.7"',
      })
      .option('folder', { type: 'string', describe: 'Only experiments in this folder' })
      .option('order-by', {
        type: 'string',
        array: true,
        default: [],
        describe: 'For example "metrics.roc_auc DESC"; the newest come first otherwise',
      })
      .option('columns', {
        type: 'string',
        array: true,
        default: [],
        describe: 'What to show: metrics.KEY params.KEY tags.KEY attributes.NAME',
      })
      .option('depth', { type: 'number', default: 10, describe: 'Levels of a tree' })
      .option('all', { type: 'boolean', default: false, describe: 'Compare what is equal too' })
      .option('limit', { type: 'number', default: 20, describe: 'Runs on a page' })
      .option('page', { type: 'string', describe: 'The token that the page before ended with' }),
  handler: async (flags) => {
    const url = await serverUrl(flags)
    print(flags.json, await ACTIONS[flags.action](apiClient(url), { ...flags, url }))
  },
})

async function list(api: ApiClient, flags: Flags): Promise<Shown> {
  const columns = flags.columns.length === 0 ? await usualColumns(api, flags) : flags.columns
  const found = await api.post<RunsWire>('/runs/search', {
    ...(flags.folder === undefined ? {} : { folder: flags.folder }),
    filter: flags.filter,
    orderBy: flags.orderBy,
    columns,
    limit: flags.limit,
    ...(flags.page === undefined ? {} : { pageToken: flags.page }),
  })
  if (found.runs.length === 0) return { value: found, lines: ['No run matches.'] }
  const rows = found.runs.map(({ runId, values }) => [runId, ...values.map(shownBy(columns))])
  const heads = ['run', ...columns.map((column) => column.replace('attributes.', ''))]
  const more = found.next === null ? [] : [`more: --page ${found.next}`]
  return { value: found, lines: [...tableLines(heads, rows), ...more] }
}

const METRICS_SHOWN = 4

/** The metrics that most of the runs have, beside what every run has. */
async function usualColumns(api: ApiClient, { folder, filter }: Flags): Promise<string[]> {
  const { metrics } = await api.post<{ metrics: { keys: { key: string }[] } }>('/runs/columns', {
    ...(folder === undefined ? {} : { folder }),
    filter,
    limit: METRICS_SHOWN,
  })
  return [...SHOWN, ...metrics.keys.map(({ key }) => `metrics.${key}`)]
}

function shownBy(columns: readonly string[]) {
  return (value: string | number | null, at: number) =>
    columns[at] === 'attributes.start_time' || columns[at] === 'attributes.end_time'
      ? timeOf(value)
      : cellOf(value)
}

async function show(_: ApiClient, flags: Flags): Promise<Shown> {
  const [run] = await runsOf(flags, 1)
  if (run === undefined) throw noRun('show')
  const { info, data } = run
  const part = (name: 'params' | 'metrics' | 'tags') =>
    (data[name] ?? []).map(({ key, value }) => `  ${name.slice(0, -1)}  ${key}  ${cellOf(value)}`)
  return {
    value: run,
    lines: [
      `${info.run_id}  ${info.run_name}  ${info.status}  ${timeOf(info.start_time)} to ${timeOf(info.end_time)}`,
      ...part('params'),
      ...part('metrics'),
      ...part('tags'),
    ],
  }
}

async function tree(api: ApiClient, { runs: [id], depth, limit, page }: Flags): Promise<Shown> {
  if (id === undefined) throw noRun('tree')
  const found = await api.get<TreeWire>(`/runs/${encodeURIComponent(id)}/tree`, {
    depth,
    limit,
    page,
  })
  const above = found.ancestors.map((run, at) => lineOf(at, run))
  const below = found.nodes.flatMap((node) => {
    const at = found.ancestors.length + node.depth
    const more = node.next === null ? [] : [`${'  '.repeat(at + 1)}… more: --page ${node.next}`]
    return [lineOf(at, node), ...more]
  })
  return { value: found, lines: [...above, ...below] }
}

function lineOf(
  depth: number,
  { runId, values }: { runId: string; values: TreeWire['nodes'][number]['values'] },
) {
  const [name, status] = values
  return `${'  '.repeat(depth)}${cellOf(name)}  ${cellOf(status)}  ${runId}`
}

async function compare(_: ApiClient, flags: Flags): Promise<Shown> {
  const found = await runsOf(flags, 2)
  const compared = found.map(({ info, data }): ComparedRun => ({
    id: info.run_id,
    name: info.run_name,
    params: data.params ?? [],
    metrics: data.metrics ?? [],
    tags: (data.tags ?? []).filter(({ key }) => !key.startsWith('mlflow.')),
  }))
  const rows = differencesOf(compared, flags.all ? 'all' : 'different')
  const heads = ['', ...compared.map(({ name, id }) => `${name} (${id.slice(0, 8)})`)]
  const lines = tableLines(
    heads,
    rows.map(({ of, key, values }) => [`${of}.${key}`, ...values.map(cellOf)]),
  )
  return {
    value: { runs: compared.map(({ id, name }) => ({ id, name })), differences: rows },
    lines: rows.length === 0 ? ['Nothing differs; --all shows what is equal.'] : lines,
  }
}

async function runsOf({ url, runs: ids }: Flags, least: number): Promise<ShownRun[]> {
  if (ids.length < least) throw noRun(least === 1 ? 'show' : 'compare')
  const found: ShownRun[] = []
  for (const id of ids) {
    const path = `runs/get?run_id=${encodeURIComponent(id)}`
    found.push((await mlflowCall<{ run: ShownRun }>(url, path)).run)
  }
  return found
}

function noRun(action: string): Problem {
  return new Problem(
    'invalid',
    action === 'compare'
      ? 'name two runs or more: orrery runs compare RUN RUN; "orrery runs" lists them'
      : `name the run: orrery runs ${action} RUN; "orrery runs" lists them`,
  )
}
