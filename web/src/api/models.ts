import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { HistoryWire, ModelsWire, ModelWire, VersionsWire } from '#protocols/api/models-wire'
import { getJson } from './get.ts'

function searchOf(parts: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parts).filter((part): part is [string, string] => !!part[1])
  return new URLSearchParams(given).toString()
}

export function modelsQuery(asOf: string | undefined) {
  return queryOptions({
    queryKey: ['models', asOf],
    queryFn: ({ signal }) =>
      getJson<ModelsWire>(`/api/v1/models?${searchOf({ as_of: asOf, limit: '1000' })}`, signal),
    retry: false,
  })
}

export function modelQuery(model: string, asOf: string | undefined) {
  const place = `/api/v1/models/${encodeURIComponent(model)}`
  return queryOptions({
    queryKey: ['model', model, asOf],
    queryFn: async ({ signal }) => {
      const search = searchOf({ as_of: asOf })
      const told = await getJson<{ asOf: string | null; model: ModelWire }>(
        `${place}?${search}`,
        signal,
      )
      const { versions } = await getJson<VersionsWire>(
        `${place}/versions?${searchOf({ as_of: asOf, limit: '1000' })}`,
        signal,
      )
      return { ...told, versions }
    },
    retry: false,
  })
}

export function historyQuery(model: string, kinds: readonly string[]) {
  return infiniteQueryOptions({
    queryKey: ['history', model, kinds],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({ limit: '100' })
      for (const kind of kinds) search.append('kind', kind)
      if (pageParam !== null) search.set('before', String(pageParam))
      return getJson<HistoryWire>(
        `/api/v1/models/${encodeURIComponent(model)}/history?${search.toString()}`,
        signal,
      )
    },
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    retry: false,
  })
}
