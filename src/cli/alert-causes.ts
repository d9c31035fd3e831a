import { Problem } from '#base/problem'
import type { ApiClient } from './client.ts'

interface ShownSpan {
  from: string
  to: string
  predictions: number
}

interface ShownCauses {
  before: ShownSpan | null
  since: ShownSpan
  change: { of: string; by: number } | null
  ranked: {
    kind: string
    subject: string
    share: number | null
    detail: string
    position?: number
  }[]
  notes: string[]
}

/** Why an alert of the monitors was raised: null for other alerts, and until it was looked for. */
export async function causesOf(api: ApiClient, id: string): Promise<ShownCauses | null> {
  try {
    const found = await api.get<{ causes: ShownCauses | null }>(`/alerts/${encodeURIComponent(id)}`)
    return found.causes
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return null
    throw error
  }
}

export function causeLines(causes: ShownCauses | null): string[] {
  if (causes === null) return []
  const { before, since, change, ranked, notes } = causes
  const than = before === null ? '' : `, than ${spanLine(before)}`
  const by =
    change === null ? '' : `; mean ${change.of} ${change.by > 0 ? '+' : ''}${short(change.by)}`
  const found = ranked.map(({ kind, share, detail, position }, index) => {
    const part = share === null ? '' : ` ${Math.round(share * 100)} %`
    const entry = position === undefined ? '' : ` (ledger entry ${position})`
    return `  ${index + 1}. ${kind}${part}  ${detail}${entry}`
  })
  const none = ranked.length === 0 ? ['  nothing that stands out'] : []
  return [
    `Since ${spanLine(since)}${than}${by}:`,
    ...found,
    ...none,
    ...notes.map((note) => `  ${note}`),
  ]
}

function spanLine({ from, to, predictions }: ShownSpan): string {
  return `${from.slice(0, 16)} to ${to.slice(0, 16)} (${predictions} predictions)`
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
