import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { ComparisonWire, MonitoringWire, WindowShown } from '#protocols/api/monitoring-wire'
import { getJson } from './get.ts'

const REFRESH_MS = 10_000
/** As many as can be told apart side by side. */
const WINDOWS = 30

function placeOf(endpoint: string): string {
  return `/api/v1/endpoints/${encodeURIComponent(endpoint)}`
}

/** The last windows in short, or those before a time; with `columns` so many of those that moved most. */
export function monitoringQuery(
  endpoint: string,
  { before, columns }: { before: string | undefined; columns: number },
) {
  const query = new URLSearchParams({ limit: String(WINDOWS), columns: String(columns) })
  if (before !== undefined) query.set('before', before)
  return queryOptions({
    queryKey: ['monitoring', endpoint, query.toString()],
    queryFn: ({ signal }) =>
      getJson<MonitoringWire>(`${placeOf(endpoint)}/monitoring?${query}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

export function windowQuery(endpoint: string, start: string) {
  return queryOptions({
    queryKey: ['window', endpoint, start],
    queryFn: ({ signal }) =>
      getJson<WindowShown>(`${placeOf(endpoint)}/windows/${encodeURIComponent(start)}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

/** One column beside what it is compared with; null asks for what was answered. */
export function comparisonQuery(endpoint: string, start: string, feature: string | null) {
  const query = feature === null ? '' : `?${new URLSearchParams({ feature })}`
  return queryOptions({
    queryKey: ['comparison', endpoint, start, feature],
    queryFn: ({ signal }) =>
      getJson<ComparisonWire>(
        `${placeOf(endpoint)}/windows/${encodeURIComponent(start)}/comparison${query}`,
        signal,
      ),
    staleTime: 60_000,
    retry: false,
  })
}
