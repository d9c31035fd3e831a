import { queryOptions } from '@tanstack/react-query'
import type { StationWire } from '#protocols/api/lineage-wire'
import { getJson } from './get.ts'
import { postJson } from './send.ts'

export type Values = Readonly<Record<string, unknown>>

/** A prediction as it is in the log, with what became known of it since. */
export interface PredictionShown {
  readonly id: string
  readonly endpoint: string
  readonly revision: number
  /** `flights-late/2`. */
  readonly modelVersion: string
  readonly event: string
  readonly at: string
  readonly latencyMs: number
  readonly key: string | null
  readonly inputs: Values
  readonly outputs: Values
  readonly truth: { readonly label: unknown; readonly at: string } | null
  readonly shadows: readonly {
    readonly revision: number
    readonly modelVersion: string
    readonly outputs: Values
  }[]
}

/** Which prediction: names that another system gave are of one endpoint. */
export interface Which {
  readonly id: string
  readonly endpoint: string | undefined
}

function placeOf({ id, endpoint }: Which, part = ''): string {
  const search = endpoint === undefined ? '' : `?endpoint=${encodeURIComponent(endpoint)}`
  return `/api/v1/predictions/${encodeURIComponent(id)}${part}${search}`
}

export function predictionQuery(which: Which) {
  return queryOptions({
    queryKey: ['prediction', which],
    queryFn: ({ signal }) => getJson<PredictionShown>(placeOf(which), signal),
    retry: false,
  })
}

/** The walk back from a prediction to its data, as the ledger tells it. */
export function predictionTraceQuery(which: Which) {
  return queryOptions({
    queryKey: ['prediction-trace', which],
    queryFn: ({ signal }) =>
      getJson<{ chain: readonly StationWire[]; cut: boolean }>(placeOf(which, '/trace'), signal),
    retry: false,
  })
}

/** Why a model answers a row as it does: `base` and the values of all columns add up to the answer. */
export interface ExplanationShown {
  readonly modelVersion: string
  readonly columns: readonly string[]
  readonly background: { readonly rows: number; readonly from: string }
  readonly method: string
  readonly outputs: readonly { readonly name: string; readonly of: string; readonly base: number }[]
  readonly rows: readonly {
    readonly answers: readonly number[]
    /** By output, then by column. */
    readonly values: readonly (readonly number[])[]
  }[]
  readonly note?: string
}

/** Asks the very version that answered. */
export function explained({ endpoint, modelVersion, inputs }: PredictionShown) {
  const version = Number(modelVersion.slice(modelVersion.lastIndexOf('/') + 1))
  const place = `/api/v1/endpoints/${encodeURIComponent(endpoint)}/explanations`
  return postJson<ExplanationShown>(place, { records: [inputs], version })
}
