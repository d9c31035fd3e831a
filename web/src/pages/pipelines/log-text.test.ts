import { expect, test } from 'vitest'
import { EMPTY_LOG, grown, plainLine, rowsIn } from './log-text.ts'

test.each([
  ['colours', '\u001B[31mred\u001B[0m', 'red'],
  ['a title of the window', 'a\u001B]0;owned\u0007b', 'ab'],
  ['a link', '\u001B]8;;https://x\u001B\\here\u001B]8;;\u001B\\', 'here'],
  ['a bar that overwrites itself', '10 %\r50 %\r100 %\r', '100 %'],
  ['text that runs the other way', 'a\u202Egnp.exe', 'agnp.exe'],
  ['markup', '<b>x</b>', '<b>x</b>'],
])('of %s only what people read is left', (_what, line, plain) => {
  expect(plainLine(line)).toBe(plain)
})

test('a log grows by pieces that end anywhere', () => {
  const log = ['one\ntw', 'o\n', 'three'].reduce(grown, EMPTY_LOG)
  expect(rowsIn(log)).toEqual(['one', 'two', 'three'])
  expect(rowsIn(grown(log, '\n'))).toEqual(['one', 'two', 'three'])
})

test('a line of megabytes is shown in rows of a length that browsers bear', () => {
  const rows = rowsIn(grown(EMPTY_LOG, `${'x'.repeat(1_000_000)}\n`))
  expect(rows).toHaveLength(500)
  expect(rows.join('')).toHaveLength(1_000_000)
})
