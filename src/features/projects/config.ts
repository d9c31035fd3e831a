import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { AlertsSchema } from './alert-config.ts'
import { durationPattern, exactlyOne, Name, strict } from './config-words.ts'
import { EnvironmentSchema, EnvironmentsSchema } from './environment-config.ts'
import { MonitorSchema } from './monitor-config.ts'
import { HookSchema, PolicySchema, WatchedTableSchema } from './policy-config.ts'

const Share = Type.Number({ minimum: 0, maximum: 1 })
const MetricCheck = Type.Object(
  {
    name: Type.String(),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    /** Measured on labelled predictions, in place of what the pipeline logged. */
    on: Type.Optional(Type.Literal('predictions')),
  },
  strict,
)

const BetterThanCheck = Type.Object(
  {
    alias: Type.String(),
    /** Any that monitors know of the task. */
    metric: Type.String({ pattern: '^[a-z][a-z0-9_]*(@[0-9]+)?$' }),
    by: Type.Number({ default: 0 }),
    confidence: Type.Number({ default: 0.95, exclusiveMinimum: 0.5, exclusiveMaximum: 1 }),
  },
  strict,
)

const ReplayCheck = Type.Object(
  {
    endpoint: Name,
    since: Type.String({ pattern: durationPattern, default: '7d' }),
    max_disagreement: Share,
    min_rows: Type.Integer({ default: 500, minimum: 1 }),
    limit: Type.Integer({ default: 10_000, minimum: 1, maximum: 200_000 }),
    tolerance: Type.Number({ default: 0, minimum: 0 }),
  },
  strict,
)

const Check = Type.Object(
  {
    signature: Type.Optional(Type.Literal('required')),
    metric: Type.Optional(MetricCheck),
    better_than: Type.Optional(BetterThanCheck),
    replay: Type.Optional(ReplayCheck),
  },
  exactlyOne,
)

const Alias = Type.Object(
  {
    protected: Type.Boolean({ default: true }),
    approvals: Type.Integer({ default: 0, minimum: 0, maximum: 0 }),
    not_author: Type.Optional(Type.Boolean()),
  },
  strict,
)

const Model = Type.Object(
  {
    from: Type.Optional(Type.String()),
    aliases: Type.Record(Type.String({ pattern: '^[\\w-]+$' }), Alias, { default: {} }),
    checks: Type.Array(Check, { default: [] }),
  },
  strict,
)

export const LogSchema = Type.Object(
  {
    /** `durable`: an answer waits until its record is on the disk. */
    mode: Type.Union([Type.Literal('fast'), Type.Literal('durable')], { default: 'fast' }),
    sample: Type.Number({ minimum: 0, maximum: 1, default: 1 }),
    redact: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    drop_inputs: Type.Boolean({ default: false }),
  },
  strict,
)

/** What names a version: `models:/name/3` or `models:/name@alias`. */
export const modelUriPattern = '^models:/[^/@]+(@[\\w-]+|/[0-9]+)$'

const Rate = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })

const ErrorsGuard = Type.Union([
  Rate,
  Type.Object(
    { max: Type.Optional(Rate), over_old: Type.Optional(Share) },
    { ...strict, minProperties: 1 },
  ),
])

const Milliseconds = Type.Number({ exclusiveMinimum: 0 })

const LatencyGuard = Type.Optional(
  Type.Union([
    Milliseconds,
    Type.Object(
      {
        max: Type.Optional(Milliseconds),
        times_old: Type.Optional(Type.Number({ minimum: 1 })),
      },
      { ...strict, minProperties: 1 },
    ),
  ]),
)

const QualityGuard = Type.Object(
  {
    metric: Type.Union([Type.Literal('accuracy'), Type.Literal('error')]),
    min_drop: Type.Number({ minimum: 0, maximum: 1, default: 0.01 }),
    scale: Type.Number({ exclusiveMinimum: 0, default: 1 }),
    settle: Type.String({ pattern: durationPattern, default: '1m' }),
  },
  strict,
)

/** How traffic moves to a new revision; without it, at once. */
export const RolloutSchema = Type.Object(
  {
    steps: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), {
      minItems: 1,
      maxItems: 100,
      default: [5, 25, 100],
    }),
    every: Type.String({ pattern: durationPattern, default: '10m' }),
    min_samples: Type.Integer({ default: 100, minimum: 0 }),
    guard: Type.Object(
      {
        errors: Type.Optional(ErrorsGuard),
        p50_ms: LatencyGuard,
        p90_ms: LatencyGuard,
        p95_ms: LatencyGuard,
        p99_ms: LatencyGuard,
        drift: Type.Optional(Share),
        quality: Type.Optional(QualityGuard),
      },
      { ...strict, default: { errors: 0.01 } },
    ),
    alpha: Type.Number({ exclusiveMinimum: 0, maximum: 0.5, default: 0.05 }),
    rollback: Type.Union([Type.Literal('automatic'), Type.Literal('manual')], {
      default: 'automatic',
    }),
  },
  strict,
)

/** Traffic that is divided by what the revisions of `traffic` earn. */
export const ExperimentSchema = Type.Object(
  {
    by: Type.Union([Type.Literal('thompson'), Type.Literal('epsilon-greedy')], {
      default: 'thompson',
    }),
    epsilon: Type.Number({ minimum: 0, maximum: 1, default: 0.05 }),
    reward: Type.Union([Type.Literal('binary'), Type.Literal('real')], { default: 'binary' }),
    every: Type.String({ pattern: durationPattern, default: '1m' }),
    threshold: Type.Number({ minimum: 0, maximum: 1, default: 0.01 }),
  },
  strict,
)

const Weights = Type.Record(Type.String(), Type.Number({ minimum: 0 }))

/** How models that are not ONNX are run. */
const PythonSchema = Type.Object(
  {
    /** Path of a Python that has the packages, instead of one that is built. */
    executable: Type.Optional(Type.String({ minLength: 1 })),
    workers: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    memoryBytesMax: Type.Optional(Type.Integer({ minimum: 64 * 1024 ** 2 })),
    /** Whether rows of several callers may be answered in one call of the model. */
    joins: Type.Optional(Type.Boolean()),
  },
  strict,
)

/** `pinned`: always loaded. `on-demand`: from its first request until memory is short. */
export const KeepSchema = Type.Union([Type.Literal('pinned'), Type.Literal('on-demand')])

/** What may be asked of an endpoint; beyond, callers are refused at once. */
export const LimitsSchema = Type.Object(
  {
    /** How long a prediction may take. */
    timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000 })),
    /** Calls that may wait for the model at the same time. */
    queue: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    quota: Type.Optional(
      Type.Object(
        {
          per_second: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000_000 }),
          burst: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
          /** The header that names the caller; `x-sticky-key` without. */
          by: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' })),
        },
        strict,
      ),
    ),
  },
  strict,
)

const Endpoint = Type.Object(
  {
    /** Needed but of an endpoint elsewhere. */
    model: Type.Optional(Type.String({ pattern: '^models:/[^/@]+(@[\\w-]+|/[0-9]+)$' })),
    /** Another system answers; it tells of its predictions, and they are watched. */
    elsewhere: Type.Optional(Type.Boolean()),
    shadows: Type.Array(Type.String({ pattern: '^models:/[^/@]+(@[\\w-]+|/[0-9]+)$' }), {
      default: [],
    }),
    monitor: Type.Optional(MonitorSchema),
    log: Type.Optional(LogSchema),
    rollout: Type.Optional(RolloutSchema),
    /** Versions and their relative weights, in place of `model` alone. */
    traffic: Type.Optional(Weights),
    experiment: Type.Optional(ExperimentSchema),
    /** Whether callers may choose the revision by a header. */
    override: Type.Optional(Type.Boolean()),
    keep: Type.Optional(KeepSchema),
    limits: Type.Optional(LimitsSchema),
    python: Type.Optional(PythonSchema),
  },
  strict,
)

export const ProjectConfigSchema = Type.Object(
  {
    project: Name,
    environment: Type.Optional(EnvironmentSchema),
    environments: Type.Optional(EnvironmentsSchema),
    /** Whether stages are kept to what they declare, or told of what else they look at. */
    hermetic: Type.Optional(
      Type.Union([Type.Boolean(), Type.Literal('strict'), Type.Literal('observe')]),
    ),
    /** By the path of data, the file of the contract that it keeps; `#NAME` after it for one object of several. */
    contracts: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 })),
    ),
    models: Type.Record(Type.String(), Model, { default: {} }),
    endpoints: Type.Record(Name, Endpoint, { default: {} }),
    policies: Type.Record(Name, PolicySchema, { default: {} }),
    hooks: Type.Optional(Type.Record(Name, HookSchema)),
    tables: Type.Optional(Type.Record(Name, WatchedTableSchema)),
    alerts: Type.Optional(AlertsSchema),
  },
  strict,
)

/** Fills in the defaults; TypeBox does not look for them inside records, so those are gone through here. */
export function withDefaults(raw: object): unknown {
  const whole = Value.Default(ProjectConfigSchema, structuredClone(raw)) as Record<string, unknown>
  const records = [
    ['models', Model],
    ['endpoints', Endpoint],
    ['policies', PolicySchema],
  ] as const
  for (const [name, schema] of records) whole[name] = entriesWithDefaults(schema, whole[name])
  for (const model of Object.values(whole['models'] ?? {}) as { aliases?: unknown }[])
    if (typeof model === 'object' && model !== null)
      model.aliases = entriesWithDefaults(Alias, model.aliases)
  return whole
}

function entriesWithDefaults(schema: TSchema, record: unknown): unknown {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return record
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, Value.Default(schema, value)]),
  )
}

export type ProjectConfig = Static<typeof ProjectConfigSchema>
export type KeepConfig = Static<typeof KeepSchema>
export type LimitsConfig = Static<typeof LimitsSchema>
export type LogConfig = Static<typeof LogSchema>
export type RolloutConfig = Static<typeof RolloutSchema>
export type ExperimentConfig = Static<typeof ExperimentSchema>
export type CheckConfig = Static<typeof Check>
export type MetricCheckConfig = Static<typeof MetricCheck>
export type BetterThanCheckConfig = Static<typeof BetterThanCheck>
export type ReplayCheckConfig = Static<typeof ReplayCheck>
export type EndpointConfig = Static<typeof Endpoint>
