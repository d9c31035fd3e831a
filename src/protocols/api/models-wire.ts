import { Type, type Static, type TSchema } from 'typebox'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Text = Type.String()
const Time = Type.String({ description: 'RFC 3339.' })
const AsOf = Nullable(Type.String({ description: 'The moment that is told of; null is now.' }))
const Tags = Type.Array(Type.Object({ key: Text, value: Text }))
const Aliases = Type.Array(Type.Object({ alias: Text, version: Type.Integer() }))

export const ModelWire = Type.Object({
  name: Type.String({ description: 'As it was called then.' }),
  note: Text,
  created: Time,
  updated: Time,
  tags: Tags,
  aliases: Aliases,
  versions: Type.Integer({ description: 'How many versions it had.' }),
  newest: Nullable(Type.Integer()),
})
export type ModelWire = Static<typeof ModelWire>
export const ModelsWire = Type.Object({
  asOf: AsOf,
  models: Type.Array(ModelWire),
  next: Nullable(Text),
})
export type ModelsWire = Static<typeof ModelsWire>
export const OneModelWire = Type.Object({ asOf: AsOf, model: ModelWire })

export const VersionWire = Type.Object({
  version: Type.Integer(),
  stage: Text,
  note: Text,
  source: Text,
  runId: Nullable(Text),
  loggedModelId: Nullable(Text),
  digest: Nullable(Text),
  created: Time,
  updated: Time,
  tags: Tags,
  aliases: Type.Array(Text),
})
export type VersionWire = Static<typeof VersionWire>
export const VersionsWire = Type.Object({
  asOf: AsOf,
  model: Text,
  versions: Type.Array(VersionWire),
  next: Nullable(Type.Integer()),
})
export type VersionsWire = Static<typeof VersionsWire>
export const AliasesWire = Type.Object({ asOf: AsOf, model: Text, aliases: Aliases })
export type AliasesWire = Static<typeof AliasesWire>

export const ChangeWire = Type.Object({
  position: Type.Integer({ description: 'The ledger entry that tells it.' }),
  at: Time,
  actor: Type.Object({ kind: Text, id: Text }),
  kind: Type.String({ description: 'model, version, alias, stage, tag or description.' }),
  version: Nullable(Type.Integer({ description: 'Null for what belongs to the model itself.' })),
  key: Type.String({ description: 'The alias, or the key of the tag.' }),
  from: Nullable(Text),
  to: Nullable(Text),
  reason: Nullable(Text),
})
export type ChangeWire = Static<typeof ChangeWire>
export const HistoryWire = Type.Object({
  model: Text,
  changes: Type.Array(ChangeWire),
  next: Nullable(Type.Integer({ description: 'The changes before this entry come next.' })),
  lives: Type.Array(Type.Object({ life: Type.Integer(), created: Time }), {
    description: 'The models that ever bore the name, the newest first; its history is told.',
  }),
})
export type HistoryWire = Static<typeof HistoryWire>
