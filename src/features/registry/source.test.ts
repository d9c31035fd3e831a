import { expect, test } from 'vitest'
import { isWithin, modelUriIn, sourceIn } from './source.ts'

test.each([
  ['models:/m-0123', { kind: 'logged-model', modelId: 'm-0123' }],
  ['models:/late/3', { kind: 'version', uri: 'models:/late/3' }],
  ['models:/late@champion', { kind: 'version', uri: 'models:/late@champion' }],
  ['runs:/abc/model/deep', { kind: 'run', runId: 'abc', path: 'model/deep' }],
  ['mlflow-artifacts:/1/abc/artifacts/model', { kind: 'artifacts', path: '1/abc/artifacts/model' }],
  ['file:///data/model', { kind: 'disk', path: '/data/model' }],
  ['/data/model', { kind: 'disk', path: '/data/model' }],
  ['s3://bucket/model', { kind: 'elsewhere' }],
])('%s is read for what it is', (source, expected) => {
  expect(sourceIn(source)).toEqual(expected)
})

test.each([
  's3://b/../c',
  'runs:/a/..',
  'x\\..\\y',
  's3://b/%2e%2e/c',
  's3://b/%252e%252e',
  'x%00',
])('a source that hides another path is refused: %s', (source) => {
  expect(() => sourceIn(source)).toThrow(/Invalid model version source/)
})

test('a stray percent sign is no encoding', () => {
  expect(sourceIn('s3://bucket/100%')).toEqual({ kind: 'elsewhere' })
})

test('a model address names a version or an alias', () => {
  expect(modelUriIn('models:/late@champion')).toEqual({ model: 'late', alias: 'champion' })
  expect(modelUriIn('models:/late/latest')).toEqual({ model: 'late', version: 'latest' })
  for (const uri of ['late', 'models:/late', 'models:/a/b/c', 'models:/@x', 'runs:/a/b'])
    expect(() => modelUriIn(uri)).toThrow(/names no model version/)
})

test('a sibling whose name begins alike is not within', () => {
  expect(isWithin('a/b/c', 'a/b')).toBe(true)
  expect(isWithin('a/b', 'a/b')).toBe(true)
  expect(isWithin('a/bc', 'a/b')).toBe(false)
})
