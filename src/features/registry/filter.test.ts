import { expect, test } from 'vitest'
import { parseModelFilter, parseVersionFilter } from './filter.ts'

test('filters of registered models and versions read their own names', () => {
  expect(parseModelFilter("name NOT IN ('a') AND tags.t = 'v'").conditions).toEqual([
    { field: { of: 'attribute', name: 'name' }, comparator: 'not-in', value: ['a'] },
    { field: { of: 'tag', key: 't' }, comparator: '=', value: 'v' },
  ])
  expect(() => parseModelFilter("run_id = 'x'")).toThrow(/run_id/)
  expect(parseVersionFilter("run_id IN ('a') and version_number >= 2").conditions).toEqual([
    { field: { of: 'attribute', name: 'runId' }, comparator: 'in', value: ['a'] },
    { field: { of: 'attribute', name: 'version' }, comparator: '>=', value: 2 },
  ])
  expect(() => parseVersionFilter("source_path IN ('x')")).toThrow(/comparator/)
})

test.each([
  ["tag.`mlflow.prompt.is_prompt` != 'true'", 'model'],
  ["tags.`mlflow.prompt.is_prompt` = 'false'", 'model'],
  ["tags.`mlflow.prompt.is_prompt` = 'true'", 'prompt'],
  ["name = 'x'", 'model'],
])('the clause on the prompt tag says what is searched: %s', (filter, kind) => {
  const found = parseModelFilter(filter)
  expect(found.kind).toBe(kind)
  expect(found.conditions).toHaveLength(filter.startsWith('name') ? 1 : 0)
})
