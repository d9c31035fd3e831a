import { parsePythonJson, type Value } from '#base/python-json'
import type { KeyValue } from '#tracking'

export const SOURCE_TYPES = ['HUMAN', 'LLM_JUDGE', 'CODE'] as const

/** What somebody, or something, thinks of a trace, or what should have come out of it. */
export interface Assessment {
  readonly assessmentId: string
  readonly traceId: string
  readonly kind: 'feedback' | 'expectation' | 'issue'
  /** Of an issue: its identifier. */
  readonly name: string
  /** The JSON of what was said; of an issue, of its name. */
  readonly value: string
  readonly error: AssessmentError | null
  readonly source: { readonly type: string; readonly id: string | null }
  readonly runId: string | null
  /** The span it is about, when not the whole trace. */
  readonly spanId: string | null
  readonly rationale: string | null
  readonly metadata: readonly KeyValue[]
  /** The assessment that this one takes the place of. */
  readonly overrides: string | null
  /** Not so once another one overrides it. */
  readonly valid: boolean
  readonly createdMs: number
  readonly updatedMs: number
}

export interface AssessmentError {
  readonly code: string
  readonly message: string | null
  readonly stackTrace: string | null
}

/** An assessment as it is told; who keeps it names it. */
export type NewAssessment = Omit<
  Assessment,
  'assessmentId' | 'traceId' | 'createdMs' | 'updatedMs'
> & {
  readonly assessmentId?: string
  readonly createdMs?: number
  readonly updatedMs?: number
}

export interface AssessmentChange {
  readonly name?: string
  readonly feedback?: { readonly value: string; readonly error: AssessmentError | null }
  readonly expectation?: { readonly value: string }
  readonly rationale?: string
  readonly metadata?: readonly KeyValue[]
}

/** The number that averages are made of: yes and true count 1, no and false 0. `isNumber` only for real ones. */
export function numberOf(valueJson: string): { number: number | null; isNumber: boolean } {
  const value = parsePythonJson(valueJson)
  if (typeof value === 'boolean') return { number: value ? 1 : 0, isNumber: false }
  if (typeof value === 'string')
    return { number: YES_NO.get(wordOf(value)) ?? null, isNumber: false }
  const number = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN
  return Number.isFinite(number) ? { number, isNumber: true } : { number: null, isNumber: false }
}

const YES_NO = new Map([
  ['yes', 1],
  ['no', 0],
])

function wordOf(value: Value & string): string {
  return value.trim().toLowerCase()
}
