import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type {
  DataListWire,
  DataRunsWire,
  DataVersionsWire,
  DataWire,
  ProfileDifferenceWire,
  ProfileStateWire,
} from '#protocols/api/data-wire'
import { askJson } from './ask.ts'
import { getJson } from './get.ts'

/** What a reader asks of the list. */
export interface DataQuestion {
  readonly search?: string | undefined
  readonly project?: string | undefined
  readonly kind?: 'tracked' | 'made' | undefined
  readonly after?: string | undefined
}

const PAGE = 50
const REFRESH_MS = 10_000
const JOB_MS = 500

/** A dataset by its project and its path there. */
export interface DataName {
  readonly project: string
  readonly path: string
}

function placeOf({ project, path }: DataName): string {
  return `/api/v1/datasets/${encodeURIComponent(project)}/${encodeURIComponent(path)}`
}

export function dataListQuery(question: DataQuestion) {
  const asked = new URLSearchParams({ limit: String(PAGE) })
  for (const [name, value] of Object.entries(question))
    if (value !== undefined) asked.set(name, String(value))
  return queryOptions({
    queryKey: ['datasets', String(asked)],
    queryFn: ({ signal }) => getJson<DataListWire>(`/api/v1/datasets?${asked}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

export const projectNamesQuery = queryOptions({
  queryKey: ['project names'],
  queryFn: async ({ signal }) =>
    (await getJson<{ projects: { name: string }[] }>('/api/v1/projects', signal)).projects.map(
      ({ name }) => name,
    ),
  staleTime: 60_000,
})

export function datasetQuery(name: DataName) {
  return queryOptions({
    queryKey: ['dataset', name],
    queryFn: ({ signal }) => getJson<DataWire>(placeOf(name), signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

export function dataVersionsQuery(name: DataName) {
  return infiniteQueryOptions({
    queryKey: ['dataset-versions', name],
    queryFn: ({ pageParam, signal }) =>
      getJson<DataVersionsWire>(`${placeOf(name)}/versions?${pageOf(pageParam)}`, signal),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

export function dataRunsQuery(name: DataName) {
  return infiniteQueryOptions({
    queryKey: ['dataset-runs', name],
    queryFn: ({ pageParam, signal }) =>
      getJson<DataRunsWire>(`${placeOf(name)}/runs?${pageOf(pageParam)}`, signal),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

function pageOf(before: number | null): string {
  const limit = '20'
  return new URLSearchParams(
    before === null ? { limit } : { limit, before: String(before) },
  ).toString()
}

function profilePlace(name: DataName, version: string): string {
  return `${placeOf(name)}/versions/${version}/profile`
}

export function profileQuery(name: DataName, version: string) {
  return queryOptions({
    queryKey: ['dataset-profile', name, version],
    queryFn: ({ signal }) => getJson<ProfileStateWire>(profilePlace(name, version), signal),
    refetchInterval: ({ state }) =>
      ['waiting', 'running'].includes(state.data?.state ?? '') ? JOB_MS : false,
    retry: false,
  })
}

export function askForProfile(name: DataName, version: string): Promise<ProfileStateWire> {
  return askJson<ProfileStateWire>('POST', profilePlace(name, version))
}

export function profileDifferenceQuery(name: DataName, versions: { old: string; new: string }) {
  return queryOptions({
    queryKey: ['dataset-difference', name, versions],
    queryFn: ({ signal }) =>
      getJson<ProfileDifferenceWire>(
        `${placeOf(name)}/difference?${new URLSearchParams(versions)}`,
        signal,
      ),
    staleTime: Infinity,
    retry: false,
  })
}
