import { Type } from 'typebox'
import { strict } from './config-words.ts'

/** What stages need of Python. */
export const EnvironmentSchema = Type.Object(
  { python: Type.Optional(Type.String()), requirements: Type.Optional(Type.String()) },
  strict,
)
