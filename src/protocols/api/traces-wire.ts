/** What is thought of a trace. */
export interface AssessmentWire {
  readonly id: string
  readonly kind: 'feedback' | 'expectation' | 'issue'
  readonly name: string
  /** JSON. */
  readonly value: string
  readonly error: string | null
  readonly source: string
  readonly rationale: string | null
  readonly span: string | null
  readonly valid: boolean
}

export interface TraceWire {
  readonly trace: string
  readonly experiment: string
  readonly name: string | null
  readonly at: string
  readonly durationMs: number | null
  readonly state: 'STATE_UNSPECIFIED' | 'OK' | 'ERROR' | 'IN_PROGRESS'
  readonly request: string | null
  readonly response: string | null
  readonly tokens: number | null
  readonly cost: number | null
  readonly session: string | null
  readonly run: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly assessments: readonly AssessmentWire[]
}

export interface SpanWire {
  readonly span: string
  readonly parent: string | null
  readonly name: string
  readonly type: string | null
  readonly status: 'UNSET' | 'OK' | 'ERROR'
  readonly message: string
  /** From the start of the trace's first span. */
  readonly startMs: number
  readonly durationMs: number | null
  /** Each as JSON. */
  readonly inputs: string | null
  readonly outputs: string | null
  readonly attributes: Readonly<Record<string, string>>
  readonly events: readonly {
    readonly name: string
    readonly startMs: number
    readonly attributes: string
  }[]
}

export interface TracesWire {
  readonly traces: readonly TraceWire[]
  readonly next: string | null
}

export interface WholeTraceWire {
  readonly trace: TraceWire
  /** Root first, then by their start. None when they are a file beside the trace. */
  readonly spans: readonly SpanWire[]
}
