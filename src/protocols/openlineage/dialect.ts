import { Problem } from '#base/problem'
import type { Entry } from '#ledger'
import type { PipelineReads, PipelineRun } from '#pipelines'
import type { ProjectReads } from '#projects'
import type { Dialect, Message } from '#webhooks'
import { changeOf, exampleEvent, pipelineEvent, stageEvent, type Change } from './told.ts'

interface Dependencies {
  readonly pipelines: Pick<PipelineReads, 'find' | 'stageOf'>
  readonly projects: Pick<ProjectReads, 'find'>
  readonly version: string
}

const TYPES = {
  pipeline: ['pipeline-run-started', 'pipeline-run-finished'],
  stage: ['stage-run-started', 'stage-run-finished'],
} as const

const WORDS = new Set(['*', ...Object.keys(TYPES)])

/** What a receiver of OpenLineage events is told of pipelines: START, and one of COMPLETE, FAIL and ABORT, of each run. */
export function openLineageDialect(dependencies: Dependencies): Dialect {
  return {
    checkEvents: (events) => {
      const wrong = events.find((event) => !WORDS.has(event))
      if (wrong !== undefined)
        throw new Problem(
          'invalid',
          `${JSON.stringify(wrong.slice(0, 120))} is no event for a receiver of OpenLineage; say "*", or "pipeline" or "stage" for runs of these alone`,
        )
    },
    factTypes,
    message: async (entry, { events, subject }) => {
      if (!factTypes(events).includes(entry.type)) return undefined
      const run = await dependencies.pipelines.find(nameIn(entry, 'pipelineRun'))
      if (run === undefined || !isAbout(run, subject)) return undefined
      return messageOf(dependencies, entry, run)
    },
    example: (_event, _webhook, atMs) => ({
      event: 'OTHER orrery-webhook-test',
      body: JSON.stringify(exampleEvent(atMs, dependencies.version)),
    }),
    headers: ({ secrets: [key] }) =>
      key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` },
  }
}

function factTypes(events: readonly string[]): readonly string[] {
  return Object.entries(TYPES)
    .filter(([word]) => events.includes('*') || events.includes(word))
    .flatMap(([, types]) => types)
}

function isAbout({ project }: PipelineRun, subject: string | null): boolean {
  return subject === null || subject === `project:${project}`
}

async function messageOf(
  { pipelines, projects, version }: Dependencies,
  entry: Entry,
  run: PipelineRun,
): Promise<Message | undefined> {
  const origin = { origin: (await projects.find(run.project))?.origin ?? null, version }
  const { change, reason } = outcomeOf(entry)
  if (entry.type.startsWith('pipeline-')) {
    const event = pipelineEvent(entry, run, { origin, change, reason })
    return { event: `${change} ${run.project}`, body: JSON.stringify(event), lane: run.id }
  }
  const stage = await pipelines.stageOf(nameIn(entry, 'run'))
  if (stage === undefined || stage.run === null) return undefined
  const named = { run, stage: { ...stage, run: stage.run } }
  const event = stageEvent(entry, named, { origin, change, reason })
  return {
    event: `${change} ${run.project}.${stage.stage}`,
    body: JSON.stringify(event),
    // After its pipeline's beginning and before its end.
    lane: run.id,
  }
}

function nameIn({ data }: Entry, field: 'pipelineRun' | 'run'): string {
  const name = data[field]
  return typeof name === 'string' ? name : ''
}

function outcomeOf({ type, data }: Entry): { change: Change; reason: string | null } {
  if (type.endsWith('-started')) return { change: 'START', reason: null }
  const { outcome } = data
  const isKnown = outcome === 'succeeded' || outcome === 'failed' || outcome === 'killed'
  const reason = typeof data.reason === 'string' ? data.reason : null
  return { change: isKnown ? changeOf(outcome) : 'ABORT', reason }
}
