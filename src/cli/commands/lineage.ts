import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

interface Named {
  namespace: string
  name: string
}

interface ShownRun {
  id: string
  job: Named
  state: string
  started: string | null
  ended: string | null
  error: string | null
  parent: { id: string; job: Named } | null
}

interface ShownUse {
  run: string
  role: 'input' | 'output'
  dataset: Named
  ref: { kind: string; id: string }
  at: string
}

type ShownNode =
  | { kind: 'run'; run: ShownRun; uses: ShownUse[]; history: { change: string; at: string }[] }
  | { kind: 'job'; job: Named; runs: ShownRun[] }
  | { kind: 'dataset'; dataset: ShownDataset; uses: ShownUse[] }

type ShownDataset = Named & { home: { project: string; path: string } | null; last: string }

interface Graph {
  nodes: { node: string; depth: number }[]
  edges: {
    from: { kind: string; id: string }
    relation: string
    to: { kind: string; id: string }
    position: number
  }[]
  cut: boolean
}

interface Flags {
  node?: string | undefined
  limit: number
  before?: string | undefined
  state?: string | undefined
  namespace?: string | undefined
  depth: number
}

interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

export const lineage = command({
  command: 'lineage <action> [node]',
  describe:
    'See what other systems, such as Airflow, ran: their runs, jobs and datasets, and how all hangs together',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['runs', 'jobs', 'datasets', 'show'] as const,
        demandOption: true,
      })
      .positional('node', {
        type: 'string',
        describe:
          'For show: run:UUID, job:NAMESPACE:NAME, dataset:NAMESPACE:NAME, or KIND:ID of ours',
      })
      .option('state', {
        choices: ['running', 'completed', 'failed', 'aborted', 'unknown'] as const,
        describe: 'For runs: only those',
      })
      .option('namespace', { type: 'string', describe: 'For jobs and datasets: only those of it' })
      .option('depth', { type: 'number', default: 20, describe: 'For show: so many steps away' })
      .option('limit', { type: 'number', default: 20, describe: 'For lists' })
      .option('before', { type: 'string', describe: 'For lists: the next page' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    print(flags.json, await ACTIONS[flags.action](api, flags))
  },
})

const ACTIONS = {
  runs: async (api, { limit, before, state }) => {
    const page = await api.get<{ runs: ShownRun[]; next: string | null }>('/lineage/runs', {
      limit,
      before,
      state,
    })
    return listed(page, runLines(page.runs), page.runs.length)
  },
  jobs: async (api, { limit, before, namespace }) => {
    const page = await api.get<{
      jobs: (Named & { lastRun: string | null; last: string })[]
      next: string | null
    }>('/lineage/jobs', { limit, before, namespace })
    const rows = page.jobs.map((job) => [timeOf(job.last), cellOf(job.lastRun), nodeOf(job)])
    return listed(page, tableLines(['last heard', 'last run', 'job'], rows), page.jobs.length)
  },
  datasets: async (api, { limit, before, namespace }) => {
    const page = await api.get<{ datasets: ShownDataset[]; next: string | null }>(
      '/lineage/datasets',
      { limit, before, namespace },
    )
    const rows = page.datasets.map((each) => [timeOf(each.last), homeOf(each), nodeOf(each)])
    return listed(page, tableLines(['last heard', 'ours', 'dataset'], rows), page.datasets.length)
  },
  show: async (api, { node, depth }) => {
    if (node === undefined)
      throw new Problem(
        'invalid',
        'name the node: orrery lineage show run:UUID; "orrery lineage runs" lists runs',
      )
    const isOutside = /^(job|dataset|external-run):|^run:[^-]+-/.test(node)
    const shown = isOutside ? await api.get<ShownNode>('/lineage/node', { node }) : undefined
    // A job that never ran has no graph.
    const hasGraph = shown?.kind !== 'job' || shown.runs.length > 0
    const graph = hasGraph ? await api.get<Graph>('/lineage', { node, depth }) : undefined
    const about = shown === undefined ? [] : nodeLines(shown)
    return { value: { ...shown, graph }, lines: [...about, ...graphLines(graph)] }
  },
} satisfies Record<string, (api: ApiClient, flags: Flags) => Promise<Shown>>

function listed(page: { next: string | null }, lines: readonly string[], count: number): Shown {
  if (count === 0)
    return {
      value: page,
      lines: ['Nothing was told yet; let Airflow and others send OpenLineage to /api/v1/lineage.'],
    }
  return {
    value: page,
    lines: [...lines, ...(page.next === null ? [] : [`More: --before ${page.next}`])],
  }
}

function runLines(runs: readonly ShownRun[]): string[] {
  const rows = runs.map((run) => [
    run.id,
    run.state,
    timeOf(run.started),
    timeOf(run.ended),
    nodeOf(run.job),
  ])
  return tableLines(['run', 'state', 'started', 'ended', 'job'], rows)
}

function nodeLines(shown: ShownNode): string[] {
  if (shown.kind === 'job') return [`job ${nodeOf(shown.job)}`, ...runLines(shown.runs)]
  if (shown.kind === 'dataset') {
    const { dataset, uses } = shown
    const rows = uses.map(({ at, role, run }) => [
      timeOf(at),
      role === 'input' ? 'read by' : 'written by',
      run,
    ])
    return [
      `dataset ${nodeOf(dataset)}${dataset.home === null ? '' : `, which is ${homeOf(dataset)}`}`,
      ...tableLines(['when', 'use', 'run'], rows),
    ]
  }
  const { run, uses, history } = shown
  return [
    `run ${run.id} of ${nodeOf(run.job)}: ${run.state}`,
    ...(run.parent === null ? [] : [`  part of ${nodeOf(run.parent.job)}, run ${run.parent.id}`]),
    ...(run.error === null ? [] : [`  ${run.error.split('\n')[0] ?? ''}`]),
    ...history.map(({ change, at }) => `  ${at}  ${change}`),
    ...uses.map(({ role, dataset, ref }) => {
      const node = ref.kind === 'dataset-version' ? ` (${ref.id})` : ''
      return `  ${role === 'input' ? 'read' : 'wrote'} ${nodeOf(dataset)}${node}`
    }),
  ]
}

function graphLines(graph: Graph | undefined): string[] {
  if (graph === undefined || graph.edges.length === 0) return ['No lineage is on record yet.']
  const lines = graph.edges.map(
    ({ from, relation, to, position }) =>
      `  ${from.kind}:${from.id} ${relation} ${to.kind}:${to.id}  (entry ${position})`,
  )
  return ['Lineage:', ...lines, ...(graph.cut ? ['  … and more than one walk takes in'] : [])]
}

function nodeOf({ namespace, name }: Named): string {
  const node = `${namespace}:${name}`
  // The whole of it is in --json.
  return node.length <= CHARS_SHOWN ? node : `${node.slice(0, CHARS_SHOWN)}…`
}

const CHARS_SHOWN = 200

function homeOf({ home }: ShownDataset): string {
  return home === null ? '-' : `${home.path} of ${home.project}`
}
