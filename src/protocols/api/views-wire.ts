import { Type, type Static } from 'typebox'

export const ViewWire = Type.Object({
  id: Type.String(),
  name: Type.String(),
  owner: Type.String(),
  shared: Type.Boolean(),
  revision: Type.Integer(),
  experimentIds: Type.Union([Type.Array(Type.String()), Type.Null()]),
  folder: Type.Union([Type.String(), Type.Null()]),
  filter: Type.String(),
  columns: Type.Array(Type.String()),
  orderBy: Type.Array(Type.String()),
  display: Type.Record(Type.String(), Type.Unknown()),
  created: Type.String(),
  updated: Type.String(),
})
export type ViewWire = Static<typeof ViewWire>
export const ViewsWire = Type.Object({
  views: Type.Array(ViewWire),
  next: Type.Union([Type.String(), Type.Null()]),
})
export type ViewsWire = Static<typeof ViewsWire>
