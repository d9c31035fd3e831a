import { Type, type Static, type TSchema } from 'typebox'
import { EntryWire } from './ledger-wire.ts'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Text = Type.String()
const Time = Type.String({ description: 'RFC 3339.' })
const Position = Type.Integer({ description: 'The ledger entry that says so.' })

export const DatasetWire = Type.Object({
  project: Text,
  path: Text,
  version: Type.String({ description: "DVC's hash of the content." }),
  sizeBytes: Nullable(Type.Integer()),
  files: Nullable(Type.Integer()),
  added: Time,
  versions: Type.Integer({ description: 'How many versions of this path are known.' }),
  before: Type.Array(
    Type.Object({ version: Text, added: Time, sizeBytes: Nullable(Type.Integer()) }),
    { description: 'The versions before it, newest first.' },
  ),
  position: Position,
})

export const StageWire = Type.Object({
  stage: Text,
  state: Type.Union([
    Type.Literal('waiting'),
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('skipped'),
    Type.Literal('failed'),
    Type.Literal('killed'),
  ]),
  reason: Nullable(Text),
  run: Nullable(Text),
  started: Nullable(Time),
  ended: Nullable(Time),
  metrics: Type.Record(Type.String(), Type.Number()),
})

export const PipelineRunWire = Type.Object({
  pipelineRun: Text,
  project: Nullable(Text),
  commit: Nullable(Text),
  branch: Nullable(Text),
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('killed'),
  ]),
  reason: Nullable(Text),
  started: Time,
  ended: Nullable(Time),
  stages: Type.Array(StageWire),
  position: Position,
})

export const CheckWire = Type.Object({
  check: Text,
  passed: Type.Boolean(),
  reason: Nullable(Text),
  /** The candidate's and the champion's value with the interval of their difference, where the check compares. */
  comparison: Nullable(
    Type.Object({
      metric: Text,
      candidate: Type.Number(),
      champion: Type.Number(),
      low: Nullable(Type.Number()),
      high: Nullable(Type.Number()),
      confidence: Nullable(Type.Number()),
    }),
  ),
})

export const PromotionWire = Type.Object({
  promotion: Text,
  model: Text,
  version: Type.Integer(),
  alias: Text,
  replaced: Nullable(Type.Integer()),
  state: Type.Union([Type.Literal('checking'), Type.Literal('accepted'), Type.Literal('refused')]),
  reasons: Type.Array(Text),
  checks: Type.Array(CheckWire),
  requested: Time,
  decided: Nullable(Time),
  event: Nullable(Time),
  by: Text,
  position: Position,
})

export const ChampionWire = Type.Object({
  model: Text,
  version: Type.Integer(),
  alias: Text,
  since: Time,
  event: Nullable(Time),
  run: Nullable(Text),
  promotion: Nullable(PromotionWire),
  position: Position,
})

export const EndpointWire = Type.Object({
  endpoint: Text,
  model: Nullable(Text),
  revision: Nullable(Type.Integer()),
  modelVersion: Nullable(Text),
  since: Nullable(Time),
  shadows: Type.Array(Text),
  failure: Nullable(Text),
  restarts: Type.Integer(),
  sealedRows: Type.Integer({ description: 'Predictions that lie in sealed segments.' }),
  sealedSegments: Type.Integer(),
  position: Position,
})

export const WindowWire = Type.Object({
  start: Time,
  end: Time,
  predictions: Type.Integer(),
  labels: Type.Integer(),
  settled: Type.Boolean(),
  modelVersion: Nullable(Text),
  driftShare: Nullable(Type.Number()),
  prediction: Nullable(
    Type.String({ description: 'Whether what was predicted has drifted, too.' }),
  ),
  metric: Nullable(
    Type.String({ description: 'What performance is measured by, such as `roc_auc` or `rmse`.' }),
  ),
  value: Nullable(Type.Number({ description: 'Of `metric`, with `low` and `high`.' })),
  auc: Nullable(Type.Number({ description: 'The same where the metric is `roc_auc`.' })),
  low: Nullable(Type.Number()),
  high: Nullable(Type.Number()),
  unjudged: Nullable(Type.String({ description: 'Why a part of it could not be judged.' })),
})

export const DriftedFeatureWire = Type.Object({
  feature: Text,
  value: Nullable(Type.Number()),
  threshold: Nullable(Type.Number()),
  statistic: Nullable(Text),
})

export const AlertWire = Type.Object({
  endpoint: Text,
  kind: Text,
  detail: Nullable(Text),
  raised: Time,
  position: Position,
})

export const MonitorWire = Type.Object({
  endpoint: Text,
  windows: Type.Array(WindowWire, { description: 'Oldest first.' }),
  driftLimit: Nullable(Type.Number()),
  aucLimit: Nullable(Type.Number()),
  performanceLimit: Nullable(
    Type.Object({
      metric: Type.String(),
      min: Nullable(Type.Number()),
      max: Nullable(Type.Number()),
    }),
  ),
  drifted: Type.Array(DriftedFeatureWire, {
    description: 'Of the newest judged window, most drifted first.',
  }),
  driftedAt: Nullable(Time),
  alerts: Type.Array(AlertWire, { description: 'Those that are raised now.' }),
})

export const MarkWire = Type.Object({
  kind: Type.Union([
    Type.Literal('retraining'),
    Type.Literal('promoted'),
    Type.Literal('refused'),
    Type.Literal('alert'),
    Type.Literal('cleared'),
  ]),
  at: Time,
  words: Text,
  position: Position,
})

export const PolicyRunWire = Type.Object({
  policyRun: Text,
  project: Nullable(Text),
  policy: Text,
  endpoint: Nullable(Text),
  fired: Time,
  event: Nullable(Time),
  cause: Nullable(Text),
  causePosition: Nullable(Type.Integer()),
  why: Nullable(Type.String({ description: 'What the finding said.' })),
  state: Type.Union([
    Type.Literal('retraining'),
    Type.Literal('checking'),
    Type.Literal('promoted'),
    Type.Literal('refused'),
    Type.Literal('failed'),
    Type.Literal('cancelled'),
    Type.Literal('finished'),
  ]),
  model: Nullable(Text),
  version: Nullable(Type.Integer()),
  reason: Nullable(Text),
  position: Position,
})

/** The loop as it stands: everything that the page `/` shows, but for the traffic of this moment. */
export const OverviewWire = Type.Object({
  version: Type.String({ description: "The server's version." }),
  projects: Type.Array(
    Type.Object({ project: Text, commit: Nullable(Text), synced: Time, position: Position }),
  ),
  datasets: Type.Array(DatasetWire, { description: 'The newest version of each path.' }),
  pipelineRuns: Type.Array(PipelineRunWire, { description: 'Newest first; stages of the first.' }),
  run: Nullable(
    Type.Object({
      run: Text,
      status: Text,
      ended: Time,
      metrics: Type.Record(Type.String(), Type.Number()),
      position: Position,
    }),
  ),
  champion: Nullable(ChampionWire),
  registered: Nullable(
    Type.Object({ model: Text, version: Type.Integer(), at: Time, position: Position }),
  ),
  promotions: Type.Array(PromotionWire, { description: 'Newest first.' }),
  endpoints: Type.Array(EndpointWire),
  monitors: Type.Array(MonitorWire),
  marks: Type.Array(MarkWire, { description: 'What belongs on a time line, oldest first.' }),
  policyRuns: Type.Array(PolicyRunWire, { description: 'Newest first.' }),
  ledger: Type.Object({
    size: Type.Integer(),
    signed: Nullable(Type.Object({ size: Type.Integer(), at: Time })),
    newest: Type.Array(EntryWire),
  }),
})

/** What endpoints have answered lately; not kept, so it has a route of its own. */
export const TrafficWire = Type.Object({
  endpoints: Type.Array(
    Type.Object({
      endpoint: Text,
      requestsPerSecond: Type.Number(),
      rowsPerSecond: Type.Number(),
      p50Ms: Nullable(Type.Number()),
      p99Ms: Nullable(Type.Number()),
    }),
  ),
})

export type OverviewWire = Static<typeof OverviewWire>
export type TrafficWire = Static<typeof TrafficWire>
export type DatasetWire = Static<typeof DatasetWire>
export type StageWire = Static<typeof StageWire>
export type PipelineRunWire = Static<typeof PipelineRunWire>
export type CheckWire = Static<typeof CheckWire>
export type PromotionWire = Static<typeof PromotionWire>
export type ChampionWire = Static<typeof ChampionWire>
export type EndpointWire = Static<typeof EndpointWire>
export type WindowWire = Static<typeof WindowWire>
export type DriftedFeatureWire = Static<typeof DriftedFeatureWire>
export type AlertWire = Static<typeof AlertWire>
export type MonitorWire = Static<typeof MonitorWire>
export type MarkWire = Static<typeof MarkWire>
export type PolicyRunWire = Static<typeof PolicyRunWire>
