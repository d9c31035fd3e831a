import type { Entry, LedgerReads } from '#ledger'
import type { Dataset, DatasetVersion } from './dataset.ts'

/** Every dataset that the ledger tells of. */
export interface Catalog {
  /** By project and path. */
  all(): Promise<readonly Dataset[]>
  find(project: string, path: string): Promise<Dataset | undefined>
}

const TYPES = [
  'dataset-version-added',
  'pipeline-run-started',
  'pipeline-run-finished',
  'stage-run-finished',
  'stage-outputs-recorded',
]
const PAGE = 1000

/** Kept in memory, and read on from where it was each time that it is asked. */
export function createCatalog(read: Pick<LedgerReads, 'list'>): Catalog {
  const known = emptyCatalog()
  let after = -1
  let reading: Promise<void> = Promise.resolve()

  const readOn = async () => {
    for (;;) {
      const entries = await read.list({ after, limit: PAGE, types: TYPES })
      for (const entry of entries) known.take(entry)
      after = entries.at(-1)?.position ?? after
      if (entries.length < PAGE) return
    }
  }
  const caughtUp = () => {
    const next = reading.then(readOn)
    reading = next.catch(() => undefined)
    return next
  }

  return {
    all: async () => {
      await caughtUp()
      return known.all()
    },
    find: async (project, path) => {
      await caughtUp()
      return known.find(project, path)
    },
  }
}

interface Growing extends Omit<Dataset, 'versions'> {
  /** The oldest first. */
  readonly versions: DatasetVersion[]
}

function emptyCatalog() {
  const datasets = new Map<string, Growing>()
  /** Pipeline runs that are under way: what their stages make is of their project and commit. */
  const runs = new Map<string, { project: string; commit: string | null }>()
  let sorted: readonly Dataset[] | undefined

  const add = (of: Omit<Dataset, 'versions'>, version: DatasetVersion) => {
    // Facts are for ever, and older ones may lack what is told today.
    if ([of.project, of.path, version.md5].some((each) => typeof each !== 'string')) return
    const key = keyOf(of.project, of.path)
    const dataset = datasets.get(key) ?? { ...of, versions: [] }
    // A stage that runs again often makes what was there before.
    if (of.kind === 'made' && dataset.versions.some(({ md5 }) => md5 === version.md5)) return
    dataset.versions.push(version)
    datasets.set(key, { ...dataset, kind: of.kind === 'tracked' ? 'tracked' : dataset.kind })
    sorted = undefined
  }

  const made = ({ data, position, atMs }: Entry) => {
    const { pipelineRun, outs } = data as unknown as { pipelineRun: string; outs: Named[] }
    const run = runs.get(pipelineRun)
    if (run === undefined || !Array.isArray(outs)) return
    for (const { path, md5 } of outs)
      add(
        { project: run.project, path, kind: 'made' },
        { md5, sizeBytes: null, files: null, commit: run.commit, position, addedMs: atMs },
      )
  }

  return {
    take: (entry: Entry) => {
      if (entry.type === 'dataset-version-added') {
        const { project, path, md5, sizeBytes, files } = entry.data as unknown as Added
        const commit = entry.edges.find(({ to }) => to.kind === 'commit')?.to.id ?? null
        const { position, atMs: addedMs } = entry
        const version = { md5, sizeBytes, files, commit, position, addedMs }
        add({ project, path, kind: 'tracked' }, version)
      } else if (entry.type === 'pipeline-run-started') {
        const { pipelineRun, project, commit } = entry.data as unknown as Started
        runs.set(pipelineRun, { project, commit })
      } else if (entry.type === 'pipeline-run-finished')
        runs.delete((entry.data as { pipelineRun: string }).pipelineRun)
      else made(entry)
    },
    all: () => {
      sorted ??= [...datasets].toSorted(byKey).map(([, dataset]) => newestFirst(dataset))
      return sorted
    },
    find: (project: string, path: string) => {
      const found = datasets.get(keyOf(project, path))
      return found === undefined ? undefined : newestFirst(found)
    },
  }
}

interface Named {
  readonly path: string
  readonly md5: string
}

interface Added extends Named {
  readonly project: string
  readonly sizeBytes: number
  readonly files: number
}

interface Started {
  readonly pipelineRun: string
  readonly project: string
  readonly commit: string | null
}

function newestFirst(dataset: Growing): Dataset {
  return { ...dataset, versions: dataset.versions.toReversed() }
}

/** Sorts by project and then by path: names of projects have no character before the zero. */
export function keyOf(project: string, path: string): string {
  return `${project}\0${path}`
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
