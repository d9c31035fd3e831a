import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type {
  SilenceShown,
  SilencingWire,
  TroubleShown,
  TroublesPage,
} from '#protocols/api/alerting-wire'
import type { ExplainedAlert } from '#protocols/api/monitoring-wire'
import { askJson } from './ask.ts'
import { getJson } from './get.ts'

const REFRESH_MS = 5000
const PAGE = 30
const SILENCES_MAX = 200

/** What a list of alerts is narrowed to. */
export interface AlertsAsked {
  readonly open?: boolean | undefined
  readonly endpoint?: string | undefined
}

/** The last that came up first. */
export function alertsQuery({ open, endpoint }: AlertsAsked) {
  const asked = { limit: String(PAGE), ...(open === true ? { open: 'true' } : {}) }
  const query = new URLSearchParams(endpoint === undefined ? asked : { ...asked, endpoint })
  return infiniteQueryOptions({
    queryKey: ['alerts', query.toString()],
    queryFn: ({ pageParam, signal }) => {
      const page = pageParam === null ? '' : `&${new URLSearchParams({ before: pageParam })}`
      return getJson<TroublesPage>(`/api/v1/alerting/alerts?${query}${page}`, signal)
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

/** An alert of the monitors with its causes; null for what others raised. */
export function explainedQuery({ id, kind }: Pick<TroubleShown, 'id' | 'kind'>) {
  const isOthers = kind === 'rollout' || kind === 'policy'
  return queryOptions({
    queryKey: ['alert', id],
    queryFn: ({ signal }) =>
      isOthers ? null : getJson<ExplainedAlert>(`/api/v1/alerts/${encodeURIComponent(id)}`, signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}

export const silencesQuery = queryOptions({
  queryKey: ['silences'],
  queryFn: ({ signal }) =>
    getJson<{ silences: SilenceShown[] }>(
      `/api/v1/alerting/silences?limit=${SILENCES_MAX}`,
      signal,
    ).then(({ silences }) => silences),
  refetchInterval: REFRESH_MS,
  retry: false,
})

export function acknowledge(id: string, comment: string): Promise<TroubleShown> {
  const body = comment.trim() === '' ? {} : { comment }
  return askJson('POST', `/api/v1/alerting/alerts/${encodeURIComponent(id)}/acknowledge`, { body })
}

/** What nobody needs to hear of, why, and until when. */
export interface Silencing {
  readonly matchers: SilenceShown['matchers']
  readonly comment: string
  readonly until: string
}

export function silence(order: Silencing): Promise<SilencingWire> {
  return askJson('POST', '/api/v1/alerting/silences', { body: order })
}

/** Which open alerts a silence would cover; nothing is silenced. */
export function silencingQuery(matchers: Silencing['matchers']) {
  return queryOptions({
    queryKey: ['silencing', matchers],
    queryFn: () =>
      askJson<SilencingWire>('POST', '/api/v1/alerting/silences', {
        // The end and the reason are not looked at yet.
        body: { matchers, comment: 'preview', until: new Date().toISOString(), dry: true },
      }).then(({ alerts }) => alerts),
    retry: false,
  })
}

export function endSilence(id: string): Promise<SilenceShown> {
  return askJson('DELETE', `/api/v1/alerting/silences/${encodeURIComponent(id)}`)
}
