import { expect, test } from 'vitest'
import { clausesIn } from './clauses.ts'
import { experimentTerms, loggedModelTerms, runTerms } from './terms.ts'
import { parseFilter, parseOrder, type Vocabulary } from './vocabulary.ts'

/** A filter in short: `field comparator value`, or the words of its refusal. */
function read<Field>(filter: string, vocabulary: Vocabulary<Field>): string {
  try {
    return parseFilter(filter, vocabulary)
      .map(({ field, comparator, value }) => {
        const { of, ...rest } = field as { of: string }
        return `${of}:${String(Object.values(rest)[0])} ${comparator} ${JSON.stringify(value)}`
      })
      .join(' & ')
  } catch (error) {
    return `refused: ${(error as Error).message}`
  }
}

test.each([
  ['metrics.acc > 0.5', 'metric:acc > 0.5'],
  ['metric.acc>=-1e-3', 'metric:acc >= -0.001'],
  ['metrics.acc = 1.', 'metric:acc = 1'],
  ['metrics.acc != .5', 'metric:acc != 0.5'],
  ['metrics."a b" < 1', 'metric:a b < 1'],
  ['metrics.`a/b` <= 1', 'metric:a/b <= 1'],
  ['metrics.a.b > 1', 'metric:a.b > 1'],
  ['metrics.é > 1', 'metric:é > 1'],
  ["params.a = 'x'", 'param:a = "x"'],
  ['params.a = "it\'s"', 'param:a = "it\'s"'],
  ["params.a = ''", 'param:a = ""'],
  ["params.a = 'x AND y'", 'param:a = "x AND y"'],
  ["parameter.a LIKE '%x'", 'param:a like "%x"'],
  ["parameters.a ilike '%x'", 'param:a ilike "%x"'],
  ['params.a IS NULL', 'param:a is-null null'],
  ['param.a is not null', 'param:a is-not-null null'],
  ["tags.mlflow.source.name != 'x'", 'tag:mlflow.source.name != "x"'],
  ["tag.`mlflow.parentRunId` = 'x'", 'tag:mlflow.parentRunId = "x"'],
  ["tags.order = 'x'", 'tag:order = "x"'],
  ["status = 'FINISHED'", 'attribute:status = "finished"'],
  ["attributes.status LIKE 'FIN%'", 'attribute:status like "fin%"'],
  ['attr.run_id IN (\'a\', "b")', 'attribute:runId in ["a","b"]'],
  ["run.run_id not in ('a')", 'attribute:runId not-in ["a"]'],
  ["`run name` = 'x'", 'attribute:name = "x"'],
  ['"run name" = \'x\'', 'attribute:name = "x"'],
  ["attributes.`Run name` ILIKE 'x'", 'attribute:name ilike "x"'],
  ['attributes.Created > 100', 'attribute:startMs > 100'],
  ['end_time > -5', 'attribute:endMs > -5'],
  ["dataset.name IN ('a')", 'dataset:name in ["a"]'],
  ["datasets.context = 'training'", 'dataset:context = "training"'],
  [
    "metrics.a > 1 AND params.b = 'c' and status = 'FAILED'",
    'metric:a > 1 & param:b = "c" & attribute:status = "failed"',
  ],
  ["metrics.a > 1 params.b = 'c'", 'metric:a > 1 & param:b = "c"'],
  ['AND metrics.a > 1 and AND', 'metric:a > 1'],
  ['`metrics`.`a.b` > 1', 'metric:a.b > 1'],
  ['', ''],
])('a run filter that holds: %s', (filter, expected) => {
  expect(read(filter, runTerms)).toBe(expected)
})

test.each([
  "metrics.acc = '0.5'",
  'metrics.acc = nan',
  "metrics.acc LIKE 'x'",
  'metrics.acc IN (1)',
  'metrics.acc IS NULL',
  'metrics.a-b > 1',
  'metrics.a/b > 1',
  'metrics.acc > 1_000',
  'metrics.m = 0x10',
  'metrics.a == 1',
  'params.a = x',
  'params.a = 3',
  "params.a > '3'",
  "params.a IN ('x')",
  "params.a <> 'x'",
  "params.a = 'x",
  "params.a = 'x';",
  "status IN ('FINISHED')",
  'status IS NULL',
  'run_id IN ()',
  'run_id IN (a)',
  "run name = 'x'",
  "start_time = '5'",
  "dataset.foo = 'x'",
  "metrics.a > 1 OR params.b = 'c'",
  '(metrics.a > 1)',
  'metrics.a',
  'metrics.a >',
  '> 1',
  "foo.bar = 'x'",
  "foo = 'x'",
  "'x' = params.a",
  "tags.a NOT LIKE 'x'",
  "tags.a IS 'x'",
  "params.a = 'x', params.b = 'y'",
  "experiment_id = '1'",
])('a run filter that is refused: %s', (filter) => {
  expect(read(filter, runTerms)).toMatch(/^refused: Invalid/)
})

test.each([
  ["name LIKE 'x%'", 'attribute:name like "x%"'],
  ["experiment_id IN ('1', '2')", 'attribute:experimentId in [1,2]'],
  ['creation_time > 5', 'attribute:createdMs > 5'],
  ["tags.a IS NULL AND attribute.name = 'x'", 'tag:a is-null null & attribute:name = "x"'],
])('an experiment filter that holds: %s', (filter, expected) => {
  expect(read(filter, experimentTerms)).toBe(expected)
})

test.each(["params.x = 'a'", 'experiment_id = 1', "experiment_id = 'x'", "name > 'x'"])(
  'an experiment filter that is refused: %s',
  (filter) => {
    expect(read(filter, experimentTerms)).toMatch(/^refused: /)
  },
)

test('filters of logged models read their own names', () => {
  expect(
    read("name='model' AND status = 'READY' AND metrics.auc > 0.5", loggedModelTerms([])),
  ).toBe('attribute:name = "model" & attribute:status = "ready" & metric:auc > 0.5')
})

test('an order names a key and a direction, each key once', () => {
  expect(parseOrder(['metrics.`a b` DESC', 'start_time'], runTerms)).toEqual([
    { field: { of: 'metric', key: 'a b' }, descending: true },
    { field: { of: 'attribute', name: 'startMs' }, descending: false },
  ])
  expect(() => parseOrder(['metrics.a', 'metrics.a DESC'], runTerms)).toThrow(/duplicate/)
  expect(() => parseOrder(['metrics.a ASCC'], runTerms)).toThrow(/order_by/)
  expect(() => parseOrder([''], runTerms)).toThrow(/order_by/)
  expect(() => parseOrder(['duration'], runTerms)).toThrow(/does not know/)
})

test('a long filter is read in time that grows with its length', () => {
  const filter = (count: number) =>
    Array.from({ length: count }, (_, index) => `metrics.m${index} > 1`).join(' AND ')
  expect(clausesIn(filter(100))).toHaveLength(100)
  expect(() => clausesIn(filter(2000))).toThrow(/at most 100 comparisons/)
  const list = (count: number) => `run_id IN (${Array(count).fill("'a'").join(',')})`
  expect(clausesIn(list(8000))).toHaveLength(1)
  expect(() => clausesIn(`${list(5000)} AND ${list(5000)}`)).toThrow(/at most 8000 values/)
  expect(() => clausesIn(`metrics.${'a'.repeat(100_000)}`)).toThrow(/Invalid/)
})

test.each([
  ['metrics.auc >', 'at its end: a value has to follow'],
  ["metrics.auc > 1 OR tags.a = 'x'", 'at character 20, "tags.a = \'x\'": a comparison'],
  ["params.x y = 'v'", 'backticks'],
  ["tags.a = 'x", 'at character 10, "\'x": this quote is never closed'],
  ["run_id IN ('a' 'b')", 'at character 16, "\'b\')": a comma has to follow'],
  ['metrics.auc > 1.2.3', 'at character 15, "1.2.3": this is no number'],
  ["tags. = 'x'", 'a key has to follow the dot'],
  ['metrics.a = 1; drop table runs', 'at character 14, "; drop table runs"'],
])('a refusal names the place and what was expected there: %s', (filter, words) => {
  expect(read(filter, runTerms)).toContain(words)
})

test.each([
  ['datasets.name', runTerms],
  ['tags.a', experimentTerms],
  ['params.a', loggedModelTerms([])],
] as const)('what has no order is refused as one: %s', (key, vocabulary) => {
  expect(() => parseOrder([key], vocabulary as Vocabulary<unknown>)).toThrow(/order_by/)
})

test('hostile texts are read or refused in time that grows with their length', () => {
  const many = 100_000
  for (const filter of [
    "'".repeat(many),
    '"'.repeat(many),
    '`'.repeat(many + 1),
    'a.'.repeat(many),
    '('.repeat(many),
    `metrics.a > ${'1'.repeat(many)}x`,
    `run_id IN (${"'a',".repeat(many)}`,
    `tags.a LIKE '${'%'.repeat(many)}' ${'AND '.repeat(many)}x`,
  ])
    expect(() => clausesIn(filter)).toThrow(/Invalid/)
})
