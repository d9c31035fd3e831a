import { expect, test } from 'vitest'
import { triggersOf } from '#projects'
import { parseProjectFile } from './index.ts'

const whole = `
project: flights
environment: { requirements: requirements.txt }
models:
  flights-late:
    from: train
    aliases: { champion: { protected: true, approvals: 0 } }
    checks:
      - signature: required
      - metric: { name: roc_auc, min: 0.6 }
      - better_than: { alias: champion, metric: roc_auc }
endpoints:
  flights-late:
    model: models:/flights-late@champion
    monitor: { key: flight_id, label: late, performance: { metric: roc_auc, min: 0.66 } }
policies:
  keep-fresh:
    on: [drift: flights-late]
    run: train
    then: promote flights-late@champion
`

test('a whole file is read with its defaults filled in', () => {
  const { config, problems } = parseProjectFile(whole)
  expect(problems).toEqual([])
  expect(config?.models['flights-late']?.checks[2]).toEqual({
    better_than: { alias: 'champion', metric: 'roc_auc', by: 0, confidence: 0.95 },
  })
  expect(config?.endpoints['flights-late']).toMatchObject({
    shadows: [],
    monitor: {
      window: { size: '1d' },
      settle: '1d',
      drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
    },
  })
  expect(config?.policies['keep-fresh']?.data).toEqual({})
})

test.each([
  ['', 'project: NAME'],
  ['project: [', 'Flow sequence'],
  ['project: flights\ncolour: red', 'additional'],
  [whole.replace('0.66', '66'), 'endpoints.flights-late.monitor.performance: min 66 can never'],
  [whole.replace('roc_auc, min: 0.66', 'rocauc, min: 0.66'), 'there is no metric rocauc'],
  [whole.replace('roc_auc, min: 0.66', 'roc_auc'), 'say the least or the most'],
  [
    whole.replace('    monitor:', '    log: { sample: 2 }\n    monitor:'),
    'endpoints.flights-late.log.sample',
  ],
  [whole.replace('drift: flights-late', 'drift: other'), 'there is no endpoint other'],
  [whole.replace('promote flights-late@', 'promote nothing@'), 'there is no model nothing'],
  [whole.replace('models:/flights-late@champion', 'flights-late'), 'endpoints.flights-late.model'],
  ['project: a\nproject: b', 'unique'],
])('what is wrong is said, and nothing is taken: %#', (text, words) => {
  const { config, problems } = parseProjectFile(text)
  expect(config).toBeUndefined()
  expect(problems.join('\n')).toContain(words)
})

const served = (words: string) => `
project: flights
endpoints:
  late:
    model: models:/late@champion
    ${words}
`

test('how traffic moves is read with its defaults', () => {
  const { config, problems } = parseProjectFile(
    served('rollout: { guard: { quality: { metric: accuracy } } }'),
  )
  expect(problems).toEqual([])
  expect(config?.endpoints['late']?.rollout).toEqual({
    steps: [5, 25, 100],
    every: '10m',
    min_samples: 100,
    guard: { quality: { metric: 'accuracy', min_drop: 0.01, scale: 1, settle: '1m' } },
    alpha: 0.05,
    rollback: 'automatic',
  })
  expect(parseProjectFile(served('rollout: {}')).config?.endpoints['late']?.rollout?.guard).toEqual(
    {
      errors: 0.01,
    },
  )
  const divided = 'traffic: { models:/late/1: 1, models:/late@next: 2 }\n    experiment: {}'
  expect(parseProjectFile(served(divided)).config?.endpoints['late']?.experiment).toMatchObject({
    by: 'thompson',
    every: '1m',
  })
})

test.each([
  ['rollout: { steps: [25, 5, 100] }', 'they must grow and end with 100'],
  ['rollout: { steps: [5, 25] }', 'they must grow and end with 100'],
  ['rollout: { guard: { errors: 2 } }', 'endpoints.late.rollout.guard.errors'],
  ['rollout: { alpha: 1 }', 'endpoints.late.rollout.alpha'],
  ['traffic: { models:/late/1: 0 }', 'a weight above 0'],
  ['traffic: { late: 1 }', 'endpoints.late.traffic'],
  ['experiment: {}', 'two versions or more'],
])('traffic that cannot be divided is refused: %s', (words, problem) => {
  const { config, problems } = parseProjectFile(served(words))
  expect(config).toBeUndefined()
  expect(problems.join('\n')).toContain(problem)
})

test('a policy says what sets it off, in short and in full', () => {
  const { config, problems } = parseProjectFile(`
project: flights
hooks: { build: { from: github, secret: ORRERY_HOOK_BUILD } }
tables: { people: { delta: /data/people } }
policies:
  all:
    on:
      - schedule: "0 3 * * 1"
      - schedule: { cron: "0  3 * * 1", timezone: Europe/Berlin, catch_up: all }
      - data: data/raw/
      - delta: people
      - push: main
      - webhook: build
      - event: run-ended
      - event: { type: model-version-registered, where: { model: flights } }
      - manual
    run: train
    set: ["train.day={date}"]
    concurrency: { group: gpu, limit: 2, when_busy: cancel_running }
    budget: { runs: 5, per: 1d }
    backoff: { after: 3 }
`)
  expect(problems).toEqual([])
  expect(triggersOf(config?.policies['all'] as never)).toEqual([
    { kind: 'schedule', cron: '0 3 * * 1', timezone: 'UTC', catchUp: 'last' },
    { kind: 'schedule', cron: '0 3 * * 1', timezone: 'Europe/Berlin', catchUp: 'all' },
    { kind: 'data', path: 'data/raw' },
    { kind: 'delta', table: 'people' },
    { kind: 'push', branch: 'main' },
    { kind: 'webhook', hook: 'build' },
    { kind: 'event', type: 'run-ended', where: {} },
    { kind: 'event', type: 'model-version-registered', where: { model: 'flights' } },
    { kind: 'manual' },
  ])
})

test.each([
  ['schedule: "0 3 * *"', 'five fields'],
  ['schedule: { cron: "@daily", timezone: Berlin }', 'no time zone Berlin'],
  ['webhook: build', 'no hook build'],
  ['alert: nobody', 'there is no endpoint nobody'],
  ['alert: { endpoint: nobody, kind: qualty }', 'no alerts of the kind qualty'],
  ['event: policy-skipped', 'wait for policy-run-finished'],
  ['{ push: main, data: a }', 'policies.it.on'],
])('a trigger that can never be right is refused: %s', (trigger, words) => {
  const { config, problems } = parseProjectFile(
    `project: a\npolicies: { it: { run: train, on: [${trigger.startsWith('{') ? trigger : `{ ${trigger} }`}] } }`,
  )
  expect(config).toBeUndefined()
  expect(problems.join('\n')).toContain(words)
})

test.each([
  ['{ "../live.parquet": window }', 'name a path in the project'],
  ['{ .git/live.parquet: window }', 'name a path in the project'],
  ['{ data/live.csv: window }', 'has to end with .parquet'],
  ['{ live.parquet: { window: 1d, holdout: 2d } }', 'nothing is left'],
  ['{ live.parquet: { window: 7d, of: nobody } }', 'there is no endpoint nobody'],
  ['{ data/raw/all: { last: 3, of: data/raw } }', 'cannot lie in its own place'],
  ['{ data/all: { last: 0, of: data/raw } }', 'policies.it.data'],
  ['{ data/raw: newest }', 'policies.it.data'],
])('data that a run cannot be given is refused: %s', (data, words) => {
  const { config, problems } = parseProjectFile(
    `project: a\npolicies: { it: { run: train, on: [manual], data: ${data} } }`,
  )
  expect(config).toBeUndefined()
  expect(problems.join('\n')).toContain(words)
})

test('a secret stands in no file, only the name of its variable', () => {
  const { problems } = parseProjectFile(
    'project: a\nhooks: { build: { from: github, secret: s3cr3t-value } }',
  )
  expect(problems.join('\n')).toContain('hooks.build.secret')
})
