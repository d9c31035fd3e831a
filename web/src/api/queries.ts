import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { OverviewWire, TrafficWire } from '#protocols/api/overview-wire'
import { getJson } from './get.ts'

/** News come by the event stream; this is for what it cannot tell, such as a newly signed head. */
const OVERVIEW_REFRESH_MS = 30_000
/** A server that did not answer is asked again soon: it may be starting. */
const OVERVIEW_RETRY_MS = 3000
const TRAFFIC_REFRESH_MS = 2000

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => getJson<OverviewWire>('/api/v1/overview', signal),
  placeholderData: keepPreviousData,
  refetchInterval: ({ state }) =>
    state.status === 'error' ? OVERVIEW_RETRY_MS : OVERVIEW_REFRESH_MS,
})

/** What an endpoint answers now, and the rows per second of each look since the page was opened. */
export type Traffic = TrafficWire['endpoints'][number] & { readonly rows: readonly number[] }

/** Two minutes at one look every two seconds. */
export const TRAFFIC_LOOKS = 60

const TRAFFIC_KEY = ['traffic'] as const

export const trafficQuery = queryOptions({
  queryKey: TRAFFIC_KEY,
  queryFn: async ({ client, signal }): Promise<readonly Traffic[]> => {
    const before = client.getQueryData<readonly Traffic[]>(TRAFFIC_KEY) ?? []
    const { endpoints } = await getJson<TrafficWire>('/api/v1/overview/traffic', signal)
    return endpoints.map((now) => followedBy(before, now))
  },
  refetchInterval: TRAFFIC_REFRESH_MS,
})

function followedBy(before: readonly Traffic[], now: TrafficWire['endpoints'][number]): Traffic {
  const rows = before.find(({ endpoint }) => endpoint === now.endpoint)?.rows ?? []
  return { ...now, rows: [...rows, now.rowsPerSecond].slice(-TRAFFIC_LOOKS) }
}
