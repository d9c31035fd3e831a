import { expect, test } from 'vitest'
import { monitorIn } from '#projects'
import { namedProblems, rolesIn } from './columns.ts'

const COLUMNS = ['request', 'at', 'amount', 'country', 'late', 'probability']
const reference = { data: 'usual.csv', outputs: 'probability', label: 'late', id: 'request' }
const plain = monitorIn({})

test('columns that have no other part are inputs, and those of the signature where it is known', () => {
  const by = monitorIn({ window: { by: 'at' } })
  expect(rolesIn(COLUMNS, by, { reference, signature: undefined })).toEqual({
    inputs: ['amount', 'country'],
    outputs: ['probability'],
    time: 'at',
  })
  expect(rolesIn(COLUMNS, plain, { reference, signature: ['amount'] })).toMatchObject({
    inputs: ['amount'],
    time: null,
  })
  const said = { ...reference, inputs: ['country'], time: 'at' }
  expect(rolesIn(COLUMNS, plain, { reference: said, signature: ['amount'] })).toMatchObject({
    inputs: ['country'],
    time: 'at',
  })
})

test('columns that are missing are named, also those that the model takes', () => {
  const lacking = { ...reference, label: 'fraud', key: 'customer' }
  expect(rolesIn(COLUMNS, plain, { reference: lacking, signature: undefined })).toMatch(
    /no column fraud, customer; it has request, at/,
  )
  expect(rolesIn(COLUMNS, plain, { reference, signature: ['amount', 'age'] })).toMatch(
    /no column age, which the model takes/,
  )
  expect(
    rolesIn(['probability'], plain, {
      reference: { data: 'a', outputs: 'probability' },
      signature: undefined,
    }),
  ).toMatch(/no column that is an input/)
})

test('one column has one part', () => {
  expect(namedProblems(reference)).toEqual([])
  expect(namedProblems({ ...reference, label: 'probability' })).toHaveLength(1)
  expect(namedProblems({ ...reference, inputs: ['late'] })).toHaveLength(1)
})
