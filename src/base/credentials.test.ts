import { expect, test } from 'vitest'
import { withoutCredentials } from './credentials.ts'

test.each([
  ['https://ada:hunter2@example.org/x.git', 'https://***@example.org/x.git'],
  ['http://token@example.org', 'http://***@example.org'],
  ['https://ada:p@ss:w@example.org/x', 'https://***@example.org/x'],
  ['ssh://git:hunter2@example.org/x', 'ssh://***@example.org/x'],
  ["'https://a:b@c/d' and https://e:f@g/h", "'https://***@c/d' and https://***@g/h"],
])('%s is told as %s', (text, told) => {
  expect(withoutCredentials(text)).toBe(told)
})

test.each([
  'https://example.org/a@b',
  'ssh://git@example.org/x.git',
  'git@example.org:x.git',
  '/srv/x@y',
  'see http://example.org and ask ada@example.org',
])('%s has none', (text) => {
  expect(withoutCredentials(text)).toBe(text)
})

test('text of a stage that prints anything takes no time', () => {
  const text = `${'a-'.repeat(200_000)}${'http://a:'.repeat(50_000)}${'b:'.repeat(100_000)}`
  const began = performance.now()
  expect(withoutCredentials(text)).toHaveLength(text.length)
  expect(performance.now() - began).toBeLessThan(2000)
})
