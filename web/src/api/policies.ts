import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { BackfillDateWire, BackfillWire } from '#protocols/api/backfill-wire'
import type {
  DecisionShown,
  DecisionsPage,
  PoliciesPage,
  PolicyRunShown,
  PolicyShown,
  PreviewShown,
} from '#protocols/api/policy-wire'
import { getJson } from './get.ts'
import { postJson } from './send.ts'

/** A policy by its project and its name there. */
export interface PolicyName {
  readonly project: string
  readonly policy: string
}

const LIVE_MS = 2000
const PAGE = 20
const DATES_PAGE = 100

function placeOf({ project, policy }: PolicyName): string {
  return `/api/v1/policies/${encodeURIComponent(project)}/${encodeURIComponent(policy)}`
}

function asked(question: Readonly<Record<string, string | number | null | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(question))
    if (value !== undefined && value !== null) query.set(name, String(value))
  return query.toString()
}

export function policiesQuery(question: {
  project?: string | undefined
  endpoint?: string | undefined
  after?: string | undefined
}) {
  const query = asked({ limit: PAGE, ...question })
  return queryOptions({
    queryKey: ['policies', query],
    queryFn: ({ signal }) => getJson<PoliciesPage>(`/api/v1/policies?${query}`, signal),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

export function policyQuery(name: PolicyName) {
  return queryOptions({
    queryKey: ['policy', name],
    queryFn: ({ signal }) => getJson<PolicyShown>(placeOf(name), signal),
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

/** What was decided, newest first: by one policy, by those of a project, or by all. */
export function decisionsQuery(of: Partial<PolicyName>) {
  return infiniteQueryOptions({
    queryKey: ['policy-decisions', of],
    queryFn: ({ pageParam, signal }) =>
      getJson<DecisionsPage>(
        `/api/v1/policy-decisions?${asked({ limit: PAGE, before: pageParam, ...of })}`,
        signal,
      ),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

/** What would happen at a time, or now. */
export function previewQuery(name: PolicyName, at: string | undefined) {
  return queryOptions({
    queryKey: ['policy-preview', name, at],
    queryFn: () =>
      postJson<{ previews: PreviewShown[] }>(
        `${placeOf(name)}/test`,
        at === undefined ? {} : { at },
      ).then(({ previews }) => previews),
    placeholderData: keepPreviousData,
    retry: false,
  })
}

export function setOff(
  name: PolicyName,
  order: { reason: string; rev: string },
): Promise<DecisionShown> {
  const given = Object.entries(order).filter(([, value]) => value !== '')
  return postJson<DecisionShown>(`${placeOf(name)}/trigger`, Object.fromEntries(given))
}

export function cancelPolicyRun(id: string, reason: string): Promise<PolicyRunShown> {
  return postJson<PolicyRunShown>(
    `/api/v1/policy-runs/${encodeURIComponent(id)}/cancel`,
    reason === '' ? {} : { reason },
  )
}

export function backfillsQuery() {
  return infiniteQueryOptions({
    queryKey: ['backfills'],
    queryFn: ({ pageParam, signal }) =>
      getJson<{ backfills: BackfillWire[]; next: string | null }>(
        `/api/v1/backfills?${asked({ limit: PAGE, before: pageParam })}`,
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

export function backfillQuery(id: string) {
  return queryOptions({
    queryKey: ['backfill', id],
    queryFn: ({ signal }) => getJson<BackfillWire>(backfillPlace(id), signal),
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

export function backfillDatesQuery(id: string, state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['backfill-dates', id, state],
    queryFn: ({ pageParam, signal }) =>
      getJson<{ dates: BackfillDateWire[]; next: number | null }>(
        `${backfillPlace(id)}/dates?${asked({ limit: DATES_PAGE, after: pageParam, state })}`,
        signal,
      ),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    refetchInterval: LIVE_MS,
    retry: false,
  })
}

function backfillPlace(id: string): string {
  return `/api/v1/backfills/${encodeURIComponent(id)}`
}

export function cancelBackfill(id: string, reason: string): Promise<BackfillWire> {
  return postJson<BackfillWire>(`${backfillPlace(id)}/cancel`, reason === '' ? {} : { reason })
}

export function resumeBackfill(id: string): Promise<BackfillWire> {
  return postJson<BackfillWire>(`${backfillPlace(id)}/resume`, {})
}

/** What a new backfill is asked for with. */
export interface BackfillAsked {
  readonly project: string
  readonly targets: readonly string[]
  readonly from: string
  readonly to: string
  readonly every: string
  readonly parallel: number
  readonly set: readonly string[]
}

/** What it would run; nothing is begun. */
export function planBackfill(order: BackfillAsked) {
  return postJson<{
    commit: string
    force: boolean
    count: number
    dates: { start: string; end: string }[]
  }>('/api/v1/backfills', { ...order, dryRun: true })
}

export function startBackfill(order: BackfillAsked): Promise<BackfillWire> {
  return postJson<BackfillWire>('/api/v1/backfills', order)
}
