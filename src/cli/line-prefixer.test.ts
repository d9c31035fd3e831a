import { expect, test } from 'vitest'
import { linePrefixer } from './line-prefixer.ts'

test('lines of several stages are told whole, each with the name of its own', () => {
  let told = ''
  const lines = linePrefixer((text) => (told += text))
  lines.add('a', 'one\r\ntw')
  lines.add('b', 'three')
  lines.add('a', 'o\n')
  lines.flush('b')
  expect(told).toBe('a | one\na | two\nb | three\n')
})

test('a line that never ends is told in parts that are marked, and nothing of it is lost', () => {
  const told: string[] = []
  const lines = linePrefixer((text) => told.push(text))
  const said = '😀x'.repeat(30_000)
  for (let at = 0; at < said.length; at += 1000) lines.add('a', said.slice(at, at + 1000))
  expect(told.length).toBeGreaterThan(4)
  for (const each of told) expect(each).toMatch(/^a \| [^\n]{16000,16400}↩\n$/)
  lines.flush('a')
  expect(told.map((each) => each.slice(4).replace(/↩?\n$/, '')).join('')).toBe(said)
})
