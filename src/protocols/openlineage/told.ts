import type { Entry } from '#ledger'
import type { DataVersion, PipelineRun, StageRun } from '#pipelines'
import { runUuid } from './ids.ts'

// What pipelines did, in OpenLineage's words.

const SPEC = 'https://openlineage.io/spec'

export interface Origin {
  /** Where the project is fetched from; null where the server does not know. */
  readonly origin: string | null
  readonly version: string
}

export type Change = 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'

const CHANGES = {
  running: 'START',
  succeeded: 'COMPLETE',
  failed: 'FAIL',
  killed: 'ABORT',
} as const

export function changeOf(state: keyof typeof CHANGES): Change {
  return CHANGES[state]
}

/** A pipeline run that began or ended. */
export function pipelineEvent(
  entry: Entry,
  run: PipelineRun,
  { origin, change, reason }: { origin: Origin; change: Change; reason: string | null },
) {
  const { project, id } = run
  return {
    ...frame(entry, origin, change),
    run: {
      runId: runUuid('pipeline', id),
      facets: {
        ...engine(origin),
        ...own(origin, { project, pipelineRun: id, cause: run.cause }),
        ...failure(origin, change, reason),
      },
    },
    job: {
      ...pipelineJob(project),
      facets: { ...jobType(origin, 'PIPELINE'), ...location(origin, run) },
    },
    inputs: [],
    outputs: [],
  }
}

/** A stage run that began, with what it reads; or that ended, with what it made. */
export function stageEvent(
  entry: Entry,
  { run, stage }: { run: PipelineRun; stage: StageRun & { run: string } },
  { origin, change, reason }: { origin: Origin; change: Change; reason: string | null },
) {
  const { project } = run
  const outs = change === 'START' ? [] : stage.outs
  return {
    ...frame(entry, origin, change),
    run: {
      runId: runUuid('stage', stage.run),
      facets: {
        ...engine(origin),
        parent: {
          ...facet(origin, '1-2-0/ParentRunFacet'),
          run: { runId: runUuid('pipeline', run.id) },
          job: pipelineJob(project),
        },
        ...own(origin, { project, pipelineRun: run.id, stage: stage.stage, run: stage.run }),
        ...failure(origin, change, reason),
      },
    },
    job: {
      namespace: NAMESPACE,
      name: `${project}.${stage.stage}`,
      facets: { ...jobType(origin, 'STAGE'), ...location(origin, run) },
    },
    inputs: stage.deps.map((data) => readDataset(origin, project, data)),
    outputs: outs.map((data) => madeDataset(origin, project, data)),
  }
}

/** An event that tells nothing, to try a receiver with. */
export function exampleEvent(atMs: number, version: string) {
  const origin = { origin: null, version }
  return {
    ...frame({ atMs }, origin, 'OTHER'),
    run: { runId: runUuid('pipeline', `test ${atMs}`), facets: engine(origin) },
    job: { namespace: NAMESPACE, name: 'orrery-webhook-test', facets: {} },
    inputs: [],
    outputs: [],
  }
}

const NAMESPACE = 'orrery'

function pipelineJob(project: string) {
  return { namespace: NAMESPACE, name: project }
}

function frame({ atMs }: { atMs: number }, { version }: Origin, eventType: Change | 'OTHER') {
  return {
    eventType,
    eventTime: new Date(atMs).toISOString(),
    producer: producer(version),
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
  }
}

function producer(version: string): string {
  return `urn:orrery:server:${version}`
}

/** `named` as `1-2-0/ParentRunFacet`. */
function facet({ version }: Origin, named: string) {
  const name = named.split('/')[1] ?? ''
  return {
    _producer: producer(version),
    _schemaURL: `${SPEC}/facets/${named}.json#/$defs/${name}`,
  }
}

function engine(origin: Origin) {
  return {
    processing_engine: {
      ...facet(origin, '1-1-1/ProcessingEngineRunFacet'),
      name: 'Orrery',
      version: origin.version,
    },
  }
}

/** By which a reader finds the run here. */
function own({ version }: Origin, names: Readonly<Record<string, string | null>>) {
  const base = {
    _producer: producer(version),
    _schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet`,
  }
  return { orrery_run: { ...base, ...names } }
}

function failure(origin: Origin, change: Change, reason: string | null) {
  if (reason === null || (change !== 'FAIL' && change !== 'ABORT')) return {}
  const base = facet(origin, '1-0-1/ErrorMessageRunFacet')
  return { errorMessage: { ...base, message: reason, programmingLanguage: 'shell' } }
}

function jobType(origin: Origin, kind: 'PIPELINE' | 'STAGE') {
  const base = facet(origin, '2-0-4/JobTypeJobFacet')
  return { jobType: { ...base, processingType: 'BATCH', integration: 'ORRERY', jobType: kind } }
}

function location(origin: Origin, { commit, branch }: PipelineRun) {
  const url = origin.origin === null ? null : gitUrl(origin.origin)
  if (url === null || commit === null) return {}
  return {
    sourceCodeLocation: {
      ...facet(origin, '1-1-0/SourceCodeLocationJobFacet'),
      type: 'git',
      url,
      repoUrl: url,
      path: 'dvc.yaml',
      version: commit,
      ...(branch === null ? {} : { branch }),
    },
  }
}

/** An origin as a URL, without what opens it. */
export function gitUrl(origin: string): string | null {
  if (origin.startsWith('/')) return `file://${encodeURI(origin)}`
  const [, host, path] = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(origin) ?? []
  const url = URL.parse(host === undefined ? origin : `ssh://${host}/${path ?? ''}`)
  if (url === null) return null
  url.username = ''
  url.password = ''
  return url.href
}

function dataset(origin: Origin, project: string, { path, md5 }: DataVersion) {
  const namespace = `orrery://${project}`
  const url = origin.origin === null ? null : gitUrl(origin.origin)
  return {
    namespace,
    name: path,
    facets: {
      version: { ...facet(origin, '1-0-1/DatasetVersionDatasetFacet'), datasetVersion: md5 },
      dataSource: {
        ...facet(origin, '1-0-1/DatasourceDatasetFacet'),
        name: project,
        uri: url ?? namespace,
      },
    },
  }
}

function readDataset(origin: Origin, project: string, data: DataVersion) {
  const base = facet(origin, '1-0-0/InputStatisticsInputDatasetFacet')
  const inputFacets = { inputStatistics: { ...base, ...sizeOf(data) } }
  return { ...dataset(origin, project, data), inputFacets }
}

function madeDataset(origin: Origin, project: string, data: DataVersion) {
  const base = facet(origin, '1-0-2/OutputStatisticsOutputDatasetFacet')
  const outputFacets = { outputStatistics: { ...base, ...sizeOf(data) } }
  return { ...dataset(origin, project, data), outputFacets }
}

function sizeOf({ sizeBytes, files }: DataVersion) {
  return { size: sizeBytes, ...(files === undefined ? {} : { fileCount: files }) }
}
