import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { EntryWire } from '#protocols/api/ledger-wire'
import type { StationWire } from '#protocols/api/lineage-wire'
import type { TreeWire } from '#protocols/api/runs-wire'
import { getJson } from './get.ts'

interface Pair {
  readonly key: string
  readonly value: string
}

export interface MetricWire {
  readonly key: string
  readonly value: number | string
  readonly step?: number
  readonly timestamp?: number
}

export interface DatasetWire {
  readonly tags?: readonly Pair[]
  readonly dataset: {
    readonly name: string
    readonly digest: string
    readonly source_type?: string
    readonly source?: string
    readonly schema?: string
    readonly profile?: string
  }
}

/** A run as MLflow's protocol tells it. */
export interface RunWire {
  readonly info: {
    readonly run_id: string
    readonly run_name: string
    readonly experiment_id: string
    readonly user_id?: string
    readonly status: string
    readonly start_time?: number
    readonly end_time?: number
    readonly artifact_uri?: string
    readonly lifecycle_stage: string
  }
  readonly data: {
    readonly metrics?: readonly MetricWire[]
    readonly params?: readonly Pair[]
    readonly tags?: readonly Pair[]
  }
  readonly inputs?: {
    readonly dataset_inputs?: readonly DatasetWire[]
    readonly model_inputs?: readonly { readonly model_id: string }[]
  }
  readonly outputs?: {
    readonly model_outputs?: readonly { readonly model_id: string; readonly step?: number }[]
  }
}

/** How often a run that goes on is asked for. */
export const LIVE_MS = 2000
const MLFLOW = '/ajax-api/2.0/mlflow'

export function isLive(run: RunWire | undefined): boolean {
  return run?.info.status === 'RUNNING'
}

export function runQuery(runId: string) {
  return queryOptions({
    queryKey: ['run', runId],
    queryFn: async ({ signal }) =>
      (
        await getJson<{ run: RunWire }>(
          `${MLFLOW}/runs/get?run_id=${encodeURIComponent(runId)}`,
          signal,
        )
      ).run,
    retry: false,
    refetchInterval: ({ state }) => (isLive(state.data) ? LIVE_MS : false),
  })
}

/** The runs above a run, and those right below it. */
export function familyQuery(runId: string) {
  return queryOptions({
    queryKey: ['family', runId],
    queryFn: ({ signal }) =>
      getJson<TreeWire>(
        `/api/v1/runs/${encodeURIComponent(runId)}/tree?depth=1&limit=50&view=all&column=attributes.run_name&column=attributes.status`,
        signal,
      ),
    retry: false,
  })
}

export function experimentQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ['experiment', id],
    queryFn: async ({ signal }) =>
      (
        await getJson<{ experiment: { name: string } }>(
          `${MLFLOW}/experiments/get?experiment_id=${encodeURIComponent(id ?? '')}`,
          signal,
        )
      ).experiment,
    enabled: id !== undefined,
    retry: false,
    staleTime: 60_000,
  })
}

export interface RegisteredWire {
  readonly name: string
  readonly version: string
  readonly current_stage?: string
  readonly aliases?: readonly string[]
}

/** The versions of registered models that came from a run. */
export function registeredQuery(runId: string) {
  return queryOptions({
    queryKey: ['registered', runId],
    queryFn: async ({ signal }) => {
      const search = new URLSearchParams({ filter: `run_id='${runId}'`, max_results: '100' })
      const found = await getJson<{ model_versions?: RegisteredWire[] }>(
        `${MLFLOW}/model-versions/search?${search.toString()}`,
        signal,
      )
      return found.model_versions ?? []
    },
    retry: false,
  })
}

export interface LoggedModelWire {
  readonly info: { readonly model_id: string; readonly name: string; readonly status: string }
}

export function loggedModelQuery(modelId: string) {
  return queryOptions({
    queryKey: ['logged-model', modelId],
    queryFn: async ({ signal }) =>
      (
        await getJson<{ model: LoggedModelWire }>(
          `${MLFLOW}/logged-models/${encodeURIComponent(modelId)}`,
          signal,
        )
      ).model,
    retry: false,
    staleTime: 60_000,
  })
}

export interface WalkWire {
  readonly chain: readonly StationWire[]
  readonly cut: boolean
  readonly entries: readonly EntryWire[]
}

export function lineageQuery(runId: string, direction: 'back' | 'forward') {
  return queryOptions({
    queryKey: ['lineage', runId, direction],
    queryFn: ({ signal }) => {
      const search = new URLSearchParams({ kind: 'run', id: runId, direction })
      return getJson<WalkWire>(`/api/v1/lineage?${search.toString()}`, signal)
    },
    retry: false,
  })
}

/** The facts that tell of one run. */
const RUN_FACTS = ['run-started', 'run-resumed', 'run-ended', 'run-deleted', 'run-restored']
const PAGE = 1000

/** The ledger's facts about runs, a page at a time, with those that are about this one. */
export function runEntriesQuery(runId: string) {
  const search = new URLSearchParams({ limit: String(PAGE) })
  for (const type of RUN_FACTS) search.append('type', type)
  return infiniteQueryOptions({
    queryKey: ['run-entries', runId],
    queryFn: async ({ pageParam, signal }) => {
      const before = pageParam === null ? '' : `&before=${pageParam}`
      const page = await getJson<{ entries: EntryWire[]; next: number | null }>(
        `/api/v1/ledger/entries?${search.toString()}${before}`,
        signal,
      )
      const own = page.entries.filter(({ data }) => data['run'] === runId)
      const isBegun = own.some(({ type }) => type === 'run-started')
      return { own, next: isBegun ? null : page.next }
    },
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    retry: false,
  })
}
