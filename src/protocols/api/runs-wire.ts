import { Type, type Static, type TSchema } from 'typebox'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Token = Nullable(Type.String({ description: 'Where the next page begins.' }))
const RunId = Type.String({ minLength: 1, maxLength: 64 })
const Key = Type.String({ minLength: 1, maxLength: 300 })
const Column = Type.String({ minLength: 1, maxLength: 300, examples: ['metrics.auc'] })

/** Which runs are meant. */
export const ScopeFields = {
  experimentIds: Type.Optional(
    Type.Array(Type.String({ pattern: '^\\d{1,15}$' }), {
      maxItems: 1000,
      description: 'These experiments.',
    }),
  ),
  folder: Type.Optional(
    Type.String({
      maxLength: 500,
      description: 'All experiments in a folder at any depth; without either, all there are.',
    }),
  ),
  filter: Type.Optional(
    Type.String({ maxLength: 100_000, description: "A filter in MLflow's syntax." }),
  ),
  view: Type.Optional(
    Type.Union([Type.Literal('active'), Type.Literal('deleted'), Type.Literal('all')], {
      default: 'active',
    }),
  ),
}

export const SearchBody = Type.Object(
  {
    ...ScopeFields,
    nested: Type.Optional(
      Type.Boolean({ description: 'Only runs that name no parent; the tree tells those below.' }),
    ),
    orderBy: Type.Optional(
      Type.Array(Type.String({ maxLength: 600 }), {
        maxItems: 20,
        description: 'Such as `metrics.auc DESC`; the newest start comes first otherwise.',
      }),
    ),
    columns: Type.Optional(
      Type.Array(Column, {
        maxItems: 200,
        description: 'What to read of each run: `metrics.auc`, `params.lr`, `attributes.status`.',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    pageToken: Type.Optional(Type.String({ maxLength: 20_000 })),
  },
  { additionalProperties: false },
)
export type SearchBody = Static<typeof SearchBody>

const Value = Type.Union([Type.String(), Type.Number(), Type.Null()], {
  description: 'Null is missing; a metric that is not a number is the text NaN.',
})
export const RunRowWire = Type.Object({
  runId: Type.String(),
  values: Type.Array(Value, { description: 'In the order of the columns.' }),
})
export const RunsWire = Type.Object({
  columns: Type.Array(Type.String()),
  runs: Type.Array(RunRowWire),
  next: Token,
})
export type RunRowWire = Static<typeof RunRowWire>
export type RunsWire = Static<typeof RunsWire>

export const FacetsBody = Type.Object(
  {
    ...ScopeFields,
    keys: Type.Array(Column, { minItems: 1, maxItems: 50 }),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 20, description: 'Values of each key.' }),
    ),
  },
  { additionalProperties: false },
)
export type FacetsBody = Static<typeof FacetsBody>

const Runs = Type.Integer({ description: 'How many runs.' })
export const FacetWire = Type.Union([
  Type.Object({
    key: Type.String(),
    of: Type.Literal('values'),
    values: Type.Array(
      Type.Object({ value: Type.Union([Type.String(), Type.Number()]), runs: Runs }),
    ),
    distinct: Type.Integer(),
    missing: Runs,
  }),
  Type.Object({
    key: Type.String(),
    of: Type.Literal('range'),
    min: Nullable(Type.Number()),
    max: Nullable(Type.Number()),
    nan: Runs,
    missing: Runs,
    bins: Type.Array(Type.Object({ from: Type.Number(), to: Type.Number(), runs: Runs })),
  }),
])
export type FacetWire = Static<typeof FacetWire>
export const FacetsWire = Type.Object({ runs: Runs, facets: Type.Array(FacetWire) })
export type FacetsWire = Static<typeof FacetsWire>

export const ColumnsBody = Type.Object(
  {
    ...ScopeFields,
    search: Type.Optional(
      Type.String({ maxLength: 300, description: 'Keys that hold this, whatever its case.' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Keys of each kind.' }),
    ),
  },
  { additionalProperties: false },
)
export type ColumnsBody = Static<typeof ColumnsBody>
const KeysWire = Type.Object({
  keys: Type.Array(Type.Object({ key: Type.String(), runs: Runs })),
  more: Type.Boolean({ description: 'Whether there are more; narrow the search.' }),
})
export const ColumnsWire = Type.Object({
  attributes: Type.Array(Type.String()),
  metrics: KeysWire,
  params: KeysWire,
  tags: KeysWire,
})
export type ColumnsWire = Static<typeof ColumnsWire>

const COLUMNS_OF_TREE = ['attributes.run_name', 'attributes.status', 'attributes.start_time']
export const TreeQuery = Type.Object({
  depth: Type.Integer({ minimum: 0, maximum: 100, default: 1 }),
  limit: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: 'Children of each run.',
  }),
  page: Type.Optional(
    Type.String({
      maxLength: 2000,
      description: "Where the run's own children go on.",
      examples: ['WzAsImEiXQ'],
    }),
  ),
  column: Type.Array(Column, { maxItems: 200, default: COLUMNS_OF_TREE }),
  view: Type.Union([Type.Literal('active'), Type.Literal('deleted'), Type.Literal('all')], {
    default: 'active',
  }),
})
export type TreeQuery = Static<typeof TreeQuery>
export const TreeNodeWire = Type.Object({
  runId: Type.String(),
  parentRunId: Nullable(Type.String()),
  depth: Type.Integer(),
  children: Type.Integer({ description: 'How many children it has in all.' }),
  next: Token,
  values: Type.Array(Value),
})
export type TreeNodeWire = Static<typeof TreeNodeWire>
export const TreeWire = Type.Object({
  columns: Type.Array(Type.String()),
  ancestors: Type.Array(RunRowWire, { description: 'The outermost first.' }),
  nodes: Type.Array(TreeNodeWire, { description: 'The run, then what is below it.' }),
  cut: Type.Boolean({ description: 'Whether there is more than one answer holds.' }),
})
export type TreeWire = Static<typeof TreeWire>

const Span = {
  axis: Type.Union([Type.Literal('step'), Type.Literal('time')], { default: 'step' }),
  from: Type.Optional(
    Type.Integer({ description: 'A step, or milliseconds since 1970.', examples: [-1] }),
  ),
  to: Type.Optional(Type.Integer({ examples: [-1] })),
  points: Type.Integer({ minimum: 2, maximum: 10_000, default: 1000 }),
}
export const SeriesQuery = Type.Object(Span)
export type SeriesQuery = Static<typeof SeriesQuery>
export const SeriesBody = Type.Object(
  {
    runIds: Type.Array(RunId, { minItems: 1, maxItems: 100 }),
    keys: Type.Array(Key, { minItems: 1, maxItems: 20 }),
    axis: Type.Optional(Span.axis),
    from: Span.from,
    to: Span.to,
    points: Type.Optional(Span.points),
  },
  { additionalProperties: false },
)
export type SeriesBody = Static<typeof SeriesBody>
export const SeriesWire = Type.Object({
  runId: Type.String(),
  key: Type.String(),
  total: Type.Integer({ description: 'Points in the span.' }),
  sampled: Type.Boolean({ description: 'Whether it is the extremes of each stretch, not all.' }),
  steps: Type.Array(Type.Integer()),
  times: Type.Array(Type.Integer()),
  values: Type.Array(Nullable(Type.Number()), { description: 'Null is not a number.' }),
})
export type SeriesWire = Static<typeof SeriesWire>
