import { Type, type Static, type TSchema } from 'typebox'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Text = Type.String()
const Ms = Nullable(Type.Number({ description: 'Milliseconds.' }))
const Count = Type.Integer()

export const LiveWire = Type.Object({
  endpoint: Text,
  stepMs: Count,
  points: Type.Array(
    Type.Object({
      at: Type.String({ description: 'When the step begins, RFC 3339.' }),
      requests: Count,
      failed: Count,
      rows: Count,
      p50Ms: Ms,
      p99Ms: Ms,
    }),
    { description: 'The last five minutes, oldest first.' },
  ),
  latencies: Type.Array(Type.Object({ fromMs: Type.Number(), count: Count }), {
    description: 'How many answers took how long; a bin ends where the next one could begin.',
  }),
  p50Ms: Ms,
  p90Ms: Ms,
  p99Ms: Ms,
  revisions: Type.Array(Type.Object({ revision: Count, requests: Count, p50Ms: Ms, p99Ms: Ms })),
  memory: Type.Array(Type.Object({ revision: Count, bytes: Count }), {
    description: 'What the processes of loaded revisions take.',
  }),
  failures: Type.Array(Type.Object({ at: Text, protocol: Text, kind: Text, message: Text }), {
    description: 'The newest requests that were not answered; they are not logged.',
  }),
})
export type LiveWire = Static<typeof LiveWire>

export const WayWire = Type.Object({
  protocol: Text,
  url: Text,
  body: Text,
  curl: Type.String({ description: 'A command that asks it.' }),
})
export type WayWire = Static<typeof WayWire>

export const AskingWire = Type.Object({
  endpoint: Text,
  modelVersion: Text,
  flavor: Text,
  addresses: Type.Object({ http: Text, grpc: Text }),
  columns: Nullable(
    Type.Array(Type.Object({ name: Text, type: Text, required: Type.Boolean() }), {
      description: 'The columns of the signature; null without one of columns.',
    }),
  ),
  sample: Type.Object({
    isExample: Type.Boolean({ description: 'Logged with the model, not made up.' }),
    records: Type.Array(Type.Record(Text, Type.Unknown())),
  }),
  ways: Type.Array(WayWire),
})
export type AskingWire = Static<typeof AskingWire>

export const RecentPredictionsWire = Type.Object({
  predictions: Type.Array(
    Type.Object({
      id: Text,
      batch: Text,
      revision: Count,
      modelVersion: Text,
      role: Text,
      at: Text,
      event: Text,
      latencyMs: Type.Number(),
      key: Nullable(Text),
      inputs: Type.Record(Text, Type.Unknown()),
      outputs: Type.Record(Text, Type.Unknown()),
      label: Type.Unknown(),
    }),
  ),
  next: Nullable(Count),
})
export type RecentPredictionsWire = Static<typeof RecentPredictionsWire>

/** An endpoint as lists and pages read it. */
export interface EndpointShown {
  readonly name: string
  readonly project: string
  readonly model: string
  readonly state: string
  readonly reason: string | null
  readonly failure: string | null
  readonly declared: string
  readonly live: RevisionShown | null
  readonly answering: readonly (RevisionShown & { readonly weight: number })[]
  readonly shadowing: readonly RevisionShown[]
  /** Another system answers, and tells of its predictions. */
  readonly elsewhere?: boolean
}

export interface RevisionShown {
  readonly revision: number
  readonly model: string
  readonly version: number
  readonly modelVersion: string
  readonly role: string
  readonly created: string
}

interface GuardSeen {
  readonly n: number
  readonly estimate: number | null
  readonly lower: number | null
  readonly upper: number | null
}

/** An experiment as pages read it. */
export interface ExperimentShown {
  readonly by: 'thompson' | 'epsilon-greedy'
  readonly reward: 'binary' | 'real'
  readonly epsilon: number
  /** RFC 3339; rewards of predictions before it do not count. */
  readonly since: string
  readonly arms: readonly {
    readonly revision: number
    readonly modelVersion: string
    /** Of the traffic, of all together 1. */
    readonly share: number
    readonly rewards: number
    readonly mean: number | null
    /** How probable it is that it earns most; `null` while too few rewards are told. */
    readonly best: number | null
  }[]
}

/** A rollout as pages read it. */
export interface RolloutShown {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly state: string
  readonly step: number
  readonly steps: readonly number[]
  readonly share: number
  readonly reason: string | null
  readonly minSamples: number
  readonly stepSamples: number
  readonly numbers: {
    readonly e: number
    readonly threshold: number
    readonly guards: readonly {
      readonly guard: string
      readonly e: number
      readonly limit: Readonly<Record<string, number>>
      readonly new: GuardSeen
      readonly old: GuardSeen
    }[]
  }
}
