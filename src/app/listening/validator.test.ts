import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { typeBoxValidatorCompiler } from './validator.ts'

const Body = Type.Object(
  { name: Type.String(), limits: Type.Optional(Type.Object({}, { additionalProperties: false })) },
  { additionalProperties: false },
)

test.each([
  [{}, 'the body must have required properties name'],
  [{ name: 7 }, 'name must be string, not 7'],
  [{ name: 'a', nmae: 'b' }, 'nmae means nothing here'],
  [{ name: 'a', limits: { queues: 1 } }, 'limits.queues means nothing here'],
])('%j: %s', (data, message) => {
  const validate = typeBoxValidatorCompiler({
    schema: Body,
    method: 'POST',
    url: '/',
    httpPart: 'body',
  })
  expect(validate(data)).toEqual({ error: new Error(message) })
})
