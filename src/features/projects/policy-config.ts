import { Type, type Static } from 'typebox'
import { durationPattern, exactlyOne, Name, strict } from './config-words.ts'

/** When something happens, what is run and what follows. */
export const PolicySchema = Type.Object(
  {
    on: Type.Array(
      Type.Object({ drift: Type.Optional(Name), performance: Type.Optional(Name) }, exactlyOne),
      { minItems: 1 },
    ),
    run: Type.String(),
    data: Type.Record(Type.String(), Type.Literal('latest'), { default: {} }),
    cooldown: Type.String({ pattern: durationPattern, default: '1d' }),
    then: Type.Optional(Type.String({ pattern: '^promote [^@ ]+@[\\w-]+$' })),
  },
  strict,
)

export type PolicyConfig = Static<typeof PolicySchema>
