import { Type, type Static } from 'typebox'
import { durationPattern, Name, strict } from './config-words.ts'

/**
 * What an endpoint's `monitor:` says, one schema for each section. Endpoints are kept with the sections that they
 * were declared with, so a section that is added later is optional, and its part knows what holds without it.
 */

/** A condition must hold in `windows` of the last `of` windows. */
const PersistenceSection = Type.Object(
  {
    windows: Type.Integer({ default: 3, minimum: 1 }),
    of: Type.Integer({ default: 5, minimum: 1 }),
  },
  { ...strict, default: { windows: 3, of: 5 } },
)

const WindowSection = Type.Object(
  {
    size: Type.String({ pattern: durationPattern, default: '1d' }),
    /** A window is over after so many predictions, whenever that is; `size` is then that of the reference's own windows. */
    count: Type.Optional(Type.Integer({ minimum: 10, maximum: 10_000_000 })),
    /** And after this time, however few they are. */
    longest: Type.Optional(Type.String({ pattern: durationPattern })),
    by: Type.Optional(Type.String()),
    /** What comes later than this after its window changes no window. */
    late: Type.Optional(Type.String({ pattern: durationPattern })),
  },
  { ...strict, default: { size: '1d' } },
)

const day = '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:00(:00(\\.000)?)?Z)?$'

const ColumnName = Type.String({ minLength: 1, maxLength: 1000 })

/** Data that windows are compared with, and what its columns are; those that have no other part are inputs. */
const ReferenceDataSection = Type.Object(
  {
    /** A file of the endpoint's project, or a version of a dataset: `data/scores.parquet@v2`. */
    data: Type.String({ minLength: 1, maxLength: 1000 }),
    /** The project that has it, where that is not the endpoint's own. */
    project: Type.Optional(Name),
    inputs: Type.Optional(Type.Array(ColumnName, { minItems: 1, maxItems: 10_000 })),
    /** What was predicted; without, a version that is registered here is asked. */
    outputs: Type.Optional(
      Type.Union([ColumnName, Type.Array(ColumnName, { minItems: 1, maxItems: 1000 })]),
    ),
    label: Type.Optional(ColumnName),
    id: Type.Optional(ColumnName),
    time: Type.Optional(ColumnName),
    key: Type.Optional(ColumnName),
  },
  strict,
)

/** What windows are compared with: what the version was trained on, the endpoint's own past, or data that is named. */
const ReferenceSection = Type.Union([
  Type.Literal('training'),
  Type.Literal('previous'),
  Type.Literal('same-weekday'),
  Type.Object({ from: Type.String({ pattern: day }), to: Type.String({ pattern: day }) }, strict),
  ReferenceDataSection,
])

const DriftSection = Type.Object(
  {
    alert_share: Type.Number({ minimum: 0, maximum: 1, default: 0.3 }),
    /** Whether what returns every day or every week at its hour is no drift; so it is unless this says otherwise. */
    seasonality: Type.Optional(Type.Boolean()),
    /** Whether a column that drifts alone is told of; so it is unless this says otherwise. */
    columns: Type.Optional(Type.Boolean()),
    persistence: PersistenceSection,
  },
  { ...strict, default: { alert_share: 0.3, persistence: { windows: 3, of: 5 } } },
)

const ClassName = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

const limitFields = {
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
}

/** The least and the most that a metric may be. */
const LimitSection = Type.Object(
  { metric: Type.String({ minLength: 1, maxLength: 50 }), ...limitFields },
  { ...strict, minProperties: 2 },
)

const Limits = Type.Array(LimitSection, { maxItems: 50 })

/** How answers are read, where it cannot be told from them, and what they must keep to. */
const PerformanceSection = Type.Object(
  {
    task: Type.Optional(
      Type.Union([
        Type.Literal('binary'),
        Type.Literal('multiclass'),
        Type.Literal('multilabel'),
        Type.Literal('regression'),
        Type.Literal('ranking'),
      ]),
    ),
    positive: Type.Optional(ClassName),
    threshold: Type.Optional(Type.Number()),
    /** The output that is the prediction. */
    prediction: Type.Optional(Type.String({ minLength: 1 })),
    /** The output with the list of probabilities, or an output for each class. */
    probabilities: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Record(Type.String(), Type.String())]),
    ),
    /** In the order of the list of probabilities. */
    classes: Type.Optional(Type.Array(ClassName, { minItems: 2, maxItems: 10_000 })),
    /** The input that says which rows are ranked against each other; `key` is the key of the prediction. */
    group: Type.Optional(Type.String({ minLength: 1 })),
    k: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    metric: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })),
    ...limitFields,
    metrics: Type.Optional(Limits),
    persistence: PersistenceSection,
  },
  strict,
)

const Column = Type.String({ minLength: 1 })

/** A column, several together, or a column of numbers cut at edges. */
const GroupBy = Type.Union([
  Column,
  Type.Array(Column, { minItems: 2, maxItems: 4 }),
  Type.Object(
    { column: Column, edges: Type.Array(Type.Number(), { minItems: 1, maxItems: 40 }) },
    strict,
  ),
])

const GroupsBy = Type.Array(GroupBy, { minItems: 1, maxItems: 20 })

/** `by`: columns by whose values performance is measured too; `metrics`: what each of the slices must keep to. */
const SlicesSection = Type.Object(
  {
    by: Type.Optional(GroupsBy),
    min_samples: Type.Optional(Type.Integer({ minimum: 1 })),
    metrics: Type.Optional(Limits),
    /** Slices that nobody named are always looked for; `alert`: somebody hears of those that last. */
    find: Type.Optional(
      Type.Object(
        {
          depth: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3)])),
          support: Type.Optional(Type.Number({ minimum: 0.001, maximum: 0.5 })),
          alert: Type.Optional(Type.Boolean()),
        },
        strict,
      ),
    ),
  },
  strict,
)

/** Performance is estimated before labels come; the limit is that of `performance`, unless there is one here. */
const EstimateSection = Type.Object(
  {
    /** Labelled predictions of a version to learn from before anything is estimated. */
    rows: Type.Optional(Type.Integer({ minimum: 200, maximum: 20_000 })),
    metric: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })),
    ...limitFields,
    persistence: Type.Optional(PersistenceSection),
  },
  strict,
)

const FairnessSection = Type.Object(
  {
    by: GroupsBy,
    /** Smaller groups are not told of: one could recognise who is in them. */
    min_group: Type.Integer({ default: 30, minimum: 2 }),
    metrics: Type.Array(LimitSection, { maxItems: 50, default: [] }),
    persistence: PersistenceSection,
  },
  strict,
)

/** What a row is worth, or a question in SQL over the rows of a window. */
const KpiSection = Type.Object(
  {
    /** By the outcome of two classes: `tp`, `fp`, `fn`, `tn`; of amounts: what each unit `over` and `under` is worth. */
    outcomes: Type.Optional(
      Type.Union([
        Type.Record(Type.String({ pattern: '^(tp|fp|fn|tn|over|under)$' }), Type.Number(), {
          minProperties: 1,
          additionalProperties: false,
        }),
        /** By truth, and in it by prediction. */
        Type.Record(Type.String(), Type.Record(Type.String(), Type.Number()), {
          minProperties: 1,
        }),
      ]),
    ),
    sql: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
    unit: Type.Optional(Type.String({ maxLength: 30 })),
    ...limitFields,
    persistence: Type.Optional(PersistenceSection),
  },
  strict,
)

const Positive = Type.Number({ exclusiveMinimum: 0 })
const Share = Type.Number({ minimum: 0, maximum: 1 })

/** How quickly, reliably and cheaply an endpoint has to answer. It is measured without a word; limits raise alerts. */
const ServiceSection = Type.Object(
  {
    p50_ms: Type.Optional(Positive),
    p90_ms: Type.Optional(Positive),
    p99_ms: Type.Optional(Positive),
    /** Share of the requests that may fail though their callers did nothing wrong. */
    errors: Type.Optional(Share),
    /** Predictions a second, over the window. */
    min_rps: Type.Optional(Positive),
    max_rps: Type.Optional(Positive),
    memory_mb: Type.Optional(Positive),
    /** Share of the time in which the model may be running, and of the machine's processors that may be busy. */
    busy: Type.Optional(Positive),
    host_busy: Type.Optional(Share),
    cost_per_1000: Type.Optional(Positive),
    cost: Type.Optional(
      Type.Object(
        {
          /** Of an hour in which the endpoint is there, asked or not. */
          per_hour: Type.Optional(Type.Number({ minimum: 0 })),
          /** Of an hour of processor time that its predictions took. */
          per_cpu_hour: Type.Optional(Type.Number({ minimum: 0 })),
          currency: Type.Optional(Type.String({ minLength: 1, maxLength: 10 })),
        },
        strict,
      ),
    ),
    persistence: Type.Optional(PersistenceSection),
  },
  strict,
)

/** Data quality is always looked at; this says how long what is not gross must last. */
const QualitySection = Type.Object({ persistence: PersistenceSection }, strict)

/** What listens to the stream of errors; ADWIN alone where nothing is said. */
const ConceptSection = Type.Object(
  {
    detectors: Type.Array(
      Type.Union([
        Type.Literal('adwin'),
        Type.Literal('ddm'),
        Type.Literal('eddm'),
        Type.Literal('fhddm'),
        Type.Literal('hddm-a'),
        Type.Literal('hddm-w'),
        Type.Literal('kswin'),
        Type.Literal('page-hinkley'),
      ]),
      { minItems: 1, maxItems: 8 },
    ),
  },
  strict,
)

/** How columns hang together is always looked at, unless this says otherwise. */
const MultivariateSection = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    persistence: Type.Optional(PersistenceSection),
  },
  strict,
)

export const MonitorSchema = Type.Object(
  {
    window: WindowSection,
    key: Type.Optional(Type.String()),
    label: Type.Optional(Type.String()),
    settle: Type.String({ pattern: durationPattern, default: '1d' }),
    min_samples: Type.Integer({ default: 100, minimum: 1 }),
    reference: Type.Optional(ReferenceSection),
    /** The contract that inputs keep, `#NAME` after it for one object of several; without, that of the training data. */
    contract: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
    drift: DriftSection,
    quality: Type.Optional(QualitySection),
    performance: Type.Optional(PerformanceSection),
    slices: Type.Optional(SlicesSection),
    estimate: Type.Optional(EstimateSection),
    fairness: Type.Optional(FairnessSection),
    kpis: Type.Optional(Type.Record(Name, KpiSection)),
    concept: Type.Optional(ConceptSection),
    service: Type.Optional(ServiceSection),
    multivariate: Type.Optional(MultivariateSection),
  },
  strict,
)

export type MonitorConfig = Static<typeof MonitorSchema>

/** Named data as a reference. */
export type ReferenceDataConfig = Static<typeof ReferenceDataSection>
