import { Type, type Static, type TSchema } from 'typebox'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Text = Type.String()
const Count = Type.Integer()
const Numeric = Type.Number()
const Time = Type.String({ description: 'RFC 3339.' })
const Position = Nullable(Type.Integer({ description: 'What comes next, as `before`.' }))

export const DataVersionWire = Type.Object({
  version: Type.String({ description: 'DVC’s hash of the content; ends in .dir for a folder.' }),
  position: Type.Integer({ description: 'The ledger entry that tells of it.' }),
  added: Time,
  sizeBytes: Nullable(Count),
  files: Nullable(Count),
  commit: Nullable(Text),
})
export const NotedVersionWire = Type.Object({
  ...DataVersionWire.properties,
  commit: Nullable(
    Type.String({
      description: 'The commit that brought it; where that is not known, one that has it.',
    }),
  ),
  author: Nullable(Text),
  message: Nullable(Type.String({ description: 'What the author said of the commit.' })),
  committed: Nullable(Time),
})
export type NotedVersionWire = Static<typeof NotedVersionWire>

const Kind = Type.String({ description: 'tracked by a commit, or made by a stage.' })
export const DataWire = Type.Object({
  project: Text,
  path: Text,
  kind: Kind,
  versions: Count,
  newest: DataVersionWire,
})
export type DataWire = Static<typeof DataWire>
export const DataListWire = Type.Object({ datasets: Type.Array(DataWire), next: Nullable(Text) })
export type DataListWire = Static<typeof DataListWire>
export const DataVersionsWire = Type.Object({
  versions: Type.Array(NotedVersionWire),
  next: Position,
})
export type DataVersionsWire = Static<typeof DataVersionsWire>

const Verdict = Type.Object({ contract: Text, digest: Text, outcome: Text })
export const DataRunWire = Type.Object({
  position: Type.Integer({ description: 'The ledger entry that tells it.' }),
  relation: Type.String({ description: 'read or made.' }),
  version: Text,
  run: Text,
  stage: Nullable(Text),
  pipelineRun: Nullable(Text),
  state: Nullable(Text),
  reason: Nullable(Text),
  started: Nullable(Time),
  checks: Nullable(
    Type.Object(
      {
        outcome: Type.String({ description: 'passed, warned, failed or skipped.' }),
        contracts: Type.Array(Verdict),
      },
      { description: 'What contracts said of the data before the stage ran.' },
    ),
  ),
})
export type DataRunWire = Static<typeof DataRunWire>
export const DataRunsWire = Type.Object({ runs: Type.Array(DataRunWire), next: Position })
export type DataRunsWire = Static<typeof DataRunsWire>

const Value = Type.Union([Numeric, Text])
const Histogram = Type.Object({ from: Value, to: Value, counts: Type.Array(Numeric) })
export const ColumnWire = Type.Object({
  name: Text,
  type: Text,
  kind: Text,
  nulls: Count,
  distinct: Nullable(
    Type.Object({
      count: Numeric,
      isExact: Type.Boolean(),
      within: Type.Optional(
        Type.Number({ description: 'How far an estimate may be off, as a share of it.' }),
      ),
    }),
  ),
  min: Nullable(Value),
  max: Nullable(Value),
  mean: Nullable(Numeric),
  std: Nullable(Numeric),
  nonFinite: Nullable(Numeric),
  trues: Nullable(Numeric),
  lengths: Nullable(Type.Object({ min: Numeric, max: Numeric, mean: Numeric })),
  quantiles: Type.Array(Type.Object({ share: Numeric, value: Value })),
  histogram: Nullable(Histogram),
  top: Type.Array(Type.Object({ value: Text, count: Numeric })),
})
export type ColumnWire = Static<typeof ColumnWire>
export const ProfileWire = Type.Object({
  rows: Count,
  files: Count,
  sizeBytes: Count,
  sampledRows: Type.Integer({
    description: 'Quantiles, histograms and frequent values are of so many rows.',
  }),
  columns: Type.Array(ColumnWire),
})
export type ProfileWire = Static<typeof ProfileWire>
export const ProfileStateWire = Type.Object({
  state: Type.String({ description: 'none, waiting, running, failed or ready.' }),
  progress: Nullable(Type.Number({ description: 'From 0 to 1.' })),
  reason: Nullable(Type.String({ description: 'Why it could not be made.' })),
  profile: Nullable(ProfileWire),
})
export type ProfileStateWire = Static<typeof ProfileStateWire>

const Shares = Type.Array(Numeric)
export const ColumnDifferenceWire = Type.Object({
  name: Text,
  change: Type.String({ description: 'added, removed, type, values or none.' }),
  old: Nullable(ColumnWire),
  new: Nullable(ColumnWire),
  distance: Nullable(
    Type.Number({ description: '0 for values that are spread alike, 1 for nothing in common.' }),
  ),
  histograms: Nullable(
    Type.Object(
      { from: Value, to: Value, old: Shares, new: Shares },
      { description: 'Both over one range, as shares.' },
    ),
  ),
  top: Nullable(Type.Array(Type.Object({ value: Text, old: Numeric, new: Numeric }))),
})
export type ColumnDifferenceWire = Static<typeof ColumnDifferenceWire>
export const ProfileDifferenceWire = Type.Object({
  rows: Type.Object({ old: Count, new: Count }),
  sampledRows: Type.Object({ old: Count, new: Count }),
  columns: Type.Array(ColumnDifferenceWire),
})
export type ProfileDifferenceWire = Static<typeof ProfileDifferenceWire>
