import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type {
  ShownPipelineCheck,
  ShownPipelineDetail,
  ShownPipelineGraph,
  ShownPipelines,
  ShownPipelineStage,
} from '#protocols/api/pipelines-wire'
import { getJson } from './get.ts'
import { postJson } from './send.ts'

/** What a reader asks of the list. */
export interface PipelinesQuestion {
  readonly project?: string | undefined
  readonly state?: string | undefined
  readonly by?: string | undefined
  readonly before?: string | undefined
}

/** What a run is asked for with. */
export interface PipelineOrder {
  readonly project: string
  readonly rev?: string
  readonly targets?: readonly string[]
  readonly overrides?: readonly string[]
  readonly variables?: Readonly<Record<string, string>>
  readonly force?: boolean
}

export interface ShownTest {
  readonly suite: string
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped'
  readonly seconds: number
  readonly message: string | null
  readonly detail: string | null
}

const PAGE = 50
const LIST_MS = 2000
const LIVE_MS = 1000
const BASE = '/api/v1/pipelines'

export function pipelinesQuery(question: PipelinesQuestion) {
  const asked = new URLSearchParams({ limit: String(PAGE) })
  for (const [name, value] of Object.entries(question)) if (value) asked.set(name, String(value))
  return queryOptions({
    queryKey: ['pipelines', String(asked)],
    queryFn: ({ signal }) => getJson<ShownPipelines>(`${BASE}/runs?${asked}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: LIST_MS,
    retry: false,
  })
}

export function pipelineQuery(run: string) {
  return queryOptions({
    queryKey: ['pipeline', run],
    queryFn: ({ signal }) => getJson<ShownPipelineDetail>(placeOf(run), signal),
    refetchInterval: ({ state }) => (state.data?.ended == null ? LIVE_MS : false),
    retry: false,
  })
}

/** The graph grows with the stages that the run turns out to have. */
export function pipelineGraphQuery(run: string, stages: number) {
  return queryOptions({
    queryKey: ['pipeline-graph', run, stages],
    queryFn: ({ signal }) => getJson<ShownPipelineGraph>(`${placeOf(run)}/graph`, signal),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  })
}

export function pipelineStageQuery(run: string, stage: string, state: string) {
  return queryOptions({
    queryKey: ['pipeline-stage', run, stage, state],
    queryFn: ({ signal }) =>
      getJson<ShownPipelineStage>(`${placeOf(run)}/stages/${encodeURIComponent(stage)}`, signal),
    placeholderData: (before) => (before?.stage === stage ? before : undefined),
    retry: false,
  })
}

export function stageTestsQuery(run: string, stage: string) {
  return infiniteQueryOptions({
    queryKey: ['stage-tests', run, stage],
    queryFn: ({ pageParam, signal }) =>
      getJson<{ tests: ShownTest[]; next: number | null }>(
        `${placeOf(run)}/stages/${encodeURIComponent(stage)}/tests?after=${pageParam}`,
        signal,
      ),
    initialPageParam: 0,
    getNextPageParam: ({ next }) => next,
    retry: false,
  })
}

export function pipelineCheckQuery(order: PipelineOrder) {
  return queryOptions({
    queryKey: ['pipeline-check', order],
    queryFn: () => postJson<ShownPipelineCheck>(`${BASE}/check`, order),
    placeholderData: keepPreviousData,
    enabled: order.project !== '',
    retry: false,
    gcTime: 60_000,
  })
}

/** Where a stage's log is; each time that it was begun has one of its own. */
export function logAddress(pipelineRun: string, stage: string): string {
  return `/api/v1/pipeline-runs/${encodeURIComponent(pipelineRun)}/stages/${encodeURIComponent(stage)}/log`
}

/** Where people say what becomes of a run. */
export function verbAddress(run: string, verb: 'cancel' | 'approve' | 'reject'): string {
  return `/api/v1/run-requests/${encodeURIComponent(run)}/${verb}`
}

function placeOf(run: string): string {
  return `${BASE}/runs/${encodeURIComponent(run)}`
}
