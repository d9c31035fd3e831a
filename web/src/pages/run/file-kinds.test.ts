import { expect, test } from 'vitest'
import { kindOf, rowsIn, tableIn } from './file-kinds.ts'

test('the name of a file tells how it is looked into', () => {
  expect(kindOf('a.b/plot.SVG')).toBe('picture')
  expect(kindOf('a.csv/MLmodel')).toBe('text')
  expect(kindOf('model/model.pkl')).toBe('other')
  expect(kindOf('report.html')).toBe('page')
})

test('a table keeps quotes, separators and line ends that are inside fields', () => {
  expect(rowsIn('a,b\r\n"x, ""y""\nz",2\n\n3,', ',')).toEqual([
    ['a', 'b'],
    ['x, "y"\nz', '2'],
    ['3', ''],
  ])
})

test('the last line of half a file is left out', () => {
  expect(tableIn('x.tsv', 'a\tb\n1\t2\n3', false)).toEqual({
    columns: ['a', 'b'],
    rows: [['1', '2']],
  })
})

test('JSON is a table when it was logged as one', () => {
  expect(tableIn('t.json', '{"columns":["a"],"data":[[1],[{"b":null}]]}', true)).toEqual({
    columns: ['a'],
    rows: [['1'], ['{"b":null}']],
  })
  expect(tableIn('t.json', '{"columns":["a"],"data":{}}', true)).toBeUndefined()
  expect(tableIn('t.json', 'null', true)).toBeUndefined()
  expect(tableIn('t.json', '{"columns":["a"],"data":[[1]', false)).toBeUndefined()
})
