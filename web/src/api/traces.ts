import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { TracesWire, WholeTraceWire } from '#protocols/api/traces-wire'
import { getJson } from './get.ts'
import { postJson } from './send.ts'

/** What a reader asks of the list. */
export interface TraceQuestion {
  readonly filter?: string | undefined
  readonly experiment?: string | undefined
  readonly after?: string | undefined
}

const PAGE = 50
const REFRESH_MS = 5000

export function tracesQuery({ filter, experiment, after }: TraceQuestion) {
  const asked = new URLSearchParams({ limit: String(PAGE) })
  if (filter !== undefined) asked.set('filter', filter)
  if (experiment !== undefined) asked.set('experiment', experiment)
  if (after !== undefined) asked.set('after', after)
  return queryOptions({
    queryKey: ['traces', String(asked)],
    queryFn: ({ signal }) => getJson<TracesWire>(`/api/v1/traces?${asked}`, signal),
    placeholderData: keepPreviousData,
    retry: false,
    refetchInterval: REFRESH_MS,
  })
}

export function traceQuery(trace: string) {
  return queryOptions({
    queryKey: ['trace', trace],
    queryFn: ({ signal }) =>
      getJson<WholeTraceWire>(`/api/v1/traces/${encodeURIComponent(trace)}`, signal),
    retry: false,
  })
}

/** Whether there is a trace at all: the navigation shows its page from then on. */
export const anyTraceQuery = queryOptions({
  queryKey: ['any trace'],
  queryFn: async ({ signal }) =>
    (await getJson<TracesWire>('/api/v1/traces?limit=1', signal)).traces.length > 0,
  refetchInterval: ({ state }) => (state.data === true ? false : 30_000),
})

export interface Said {
  readonly name: string
  readonly value: boolean | string
  readonly rationale?: string
}

export async function sayFeedback(trace: string, said: Said): Promise<void> {
  await postJson(`/api/v1/traces/${encodeURIComponent(trace)}/feedback`, said)
}
