import { Type, type Static } from 'typebox'

const Nullable = Type.Union([Type.String(), Type.Null()])
export const ExperimentWire = Type.Object({
  experimentId: Type.String(),
  name: Type.String(),
  view: Type.Union([Type.Literal('active'), Type.Literal('deleted')]),
  created: Type.String(),
  updated: Type.String(),
  runs: Type.Integer(),
})
export type ExperimentWire = Static<typeof ExperimentWire>
export const FoldersWire = Type.Object({
  folder: Type.String(),
  folders: Type.Array(Type.Object({ folder: Type.String(), experiments: Type.Integer() })),
  experiments: Type.Array(ExperimentWire),
  nextFolder: Nullable,
  next: Nullable,
})
export type FoldersWire = Static<typeof FoldersWire>
export const MoveWire = Type.Object({
  moved: Type.Boolean(),
  experiments: Type.Integer(),
  renames: Type.Array(
    Type.Object({ experimentId: Type.String(), from: Type.String(), to: Type.String() }),
    { description: 'The first of them.' },
  ),
})
