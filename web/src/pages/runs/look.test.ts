import { expect, test } from 'vitest'
import { clauseFor, lookIn, orderAfter, quoted, toggledClause } from './look.ts'

test('an address is read for what is ours, and the rest is left out', () => {
  expect(
    lookIn({ folder: 'a/b', columns: ['metrics.auc', 3], flat: true, tab: 'x', other: 1 }),
  ).toEqual({
    folder: 'a/b',
    columns: ['metrics.auc', '3'],
    flat: true,
  })
})

test('a head turns the order down, up and off', () => {
  const down = orderAfter(undefined, 'metrics.a b')
  expect(down).toBe('metrics.`a b` DESC')
  const up = orderAfter(down, 'metrics.a b')
  expect([up, orderAfter(up, 'metrics.a b')]).toEqual(['metrics.`a b` ASC', undefined])
})

test('a value is put into the filter, and taken out of it again', () => {
  const clause = clauseFor('params.lr', "it's")
  expect(clause).toBe('params.lr = "it\'s"')
  const with2 = toggledClause('metrics.auc > 1', clause ?? '')
  expect(with2).toBe('metrics.auc > 1 AND params.lr = "it\'s"')
  expect(toggledClause(with2, clause ?? '')).toBe('metrics.auc > 1')
  expect(clauseFor('params.lr', `'"`)).toBeUndefined()
  expect(quoted('tags.mlflow.user')).toBe('tags.mlflow.user')
})
