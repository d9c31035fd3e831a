import { queryOptions } from '@tanstack/react-query'
import type {
  AskingWire,
  EndpointShown,
  LiveWire,
  RecentPredictionsWire,
  ExperimentShown,
  RolloutShown,
} from '#protocols/api/endpoint-wire'
import { getJson } from './get.ts'

const LIVE_MS = 2000
const LIST_MS = 5000

function placeOf(endpoint: string): string {
  return `/api/v1/endpoints/${encodeURIComponent(endpoint)}`
}

export const endpointsQuery = queryOptions({
  queryKey: ['endpoints'],
  queryFn: ({ signal }) =>
    getJson<{ endpoints: EndpointShown[] }>('/api/v1/endpoints', signal).then(
      ({ endpoints }) => endpoints,
    ),
  refetchInterval: LIST_MS,
})

export function endpointQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint', endpoint],
    queryFn: ({ signal }) => getJson<EndpointShown>(placeOf(endpoint), signal),
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

export function liveQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint-live', endpoint],
    queryFn: ({ signal }) => getJson<LiveWire>(`${placeOf(endpoint)}/live`, signal),
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

/** `null` where traffic is not divided by what revisions earn. */
export function experimentQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint-experiment', endpoint],
    queryFn: async ({ signal }) => {
      const { experiment } = await getJson<{ experiment: ExperimentShown | null }>(
        `${placeOf(endpoint)}/experiment`,
        signal,
      )
      return experiment
    },
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

/** `null` where nothing has been rolled out in steps. */
export function rolloutQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint-rollout', endpoint],
    queryFn: async ({ signal }) => {
      const { rollouts } = await getJson<{ rollouts: RolloutShown[] }>(
        `${placeOf(endpoint)}/rollouts?limit=1`,
        signal,
      )
      return rollouts[0] ?? null
    },
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

export function newestQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint-newest', endpoint],
    queryFn: ({ signal }) =>
      getJson<RecentPredictionsWire>(`${placeOf(endpoint)}/predictions/newest?limit=20`, signal),
    refetchInterval: LIST_MS,
    retry: false,
  })
}

export function askingQuery(endpoint: string) {
  return queryOptions({
    queryKey: ['endpoint-asking', endpoint],
    queryFn: ({ signal }) => getJson<AskingWire>(`${placeOf(endpoint)}/asking`, signal),
    staleTime: 60_000,
    retry: false,
  })
}
