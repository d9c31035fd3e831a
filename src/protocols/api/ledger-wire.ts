import { Type, type Static } from 'typebox'

const ActorWire = Type.Object({ kind: Type.String(), id: Type.String() })
const RefWire = Type.Object({ kind: Type.String(), id: Type.String() })

/** A ledger entry as the REST API and the page tell it. */
export const EntryWire = Type.Object({
  position: Type.Integer(),
  at: Type.String({ description: 'When it was written, RFC 3339.' }),
  event: Type.Union([Type.String(), Type.Null()], {
    description: 'When it happened in event time, RFC 3339.',
  }),
  actor: ActorWire,
  type: Type.String(),
  data: Type.Record(Type.String(), Type.Unknown()),
  edges: Type.Array(Type.Object({ from: RefWire, relation: Type.String(), to: RefWire })),
})
export type EntryWire = Static<typeof EntryWire>
