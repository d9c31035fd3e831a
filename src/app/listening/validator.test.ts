import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { typeBoxValidatorCompiler } from './validator.ts'

const Body = Type.Object(
  {
    name: Type.String(),
    by: Type.Optional(Type.Union([Type.Literal('trees'), Type.Literal('paths')])),
    age: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    limits: Type.Optional(Type.Object({}, { additionalProperties: false })),
  },
  { additionalProperties: false },
)

const Forms = Type.Union([Body, Type.Object({ id: Type.Integer() })])

test.each([
  [Body, {}, 'the body must have required properties name'],
  [Body, { name: 7 }, 'name must be string, not 7'],
  [Body, { name: 'a', by: 'nope' }, 'by must be one of trees, paths, not "nope"'],
  [Body, { name: 'a', age: 'x' }, 'age must be integer or must be null, not "x"'],
  [Body, { name: 'a', nmae: 'b' }, 'nmae means nothing here'],
  [Body, { name: 'a', limits: { queues: 1 } }, 'limits.queues means nothing here'],
  [Forms, { id: 'x' }, 'the body must have required properties name; id must be integer, not "x"'],
])('%#: %j %s', (schema, data, message) => {
  const compiled = { schema, method: 'POST', url: '/', httpPart: 'body' }
  expect(typeBoxValidatorCompiler(compiled)(data)).toEqual({ error: new Error(message) })
})
