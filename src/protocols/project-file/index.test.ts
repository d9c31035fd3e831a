import { expect, test } from 'vitest'
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
  expect(config?.policies['keep-fresh']?.cooldown).toBe('1d')
})

test.each([
  ['', 'project: NAME'],
  ['project: [', 'Flow sequence'],
  ['project: flights\ncolour: red', 'additional'],
  [whole.replace('0.66', '66'), 'endpoints.flights-late.monitor.performance.min'],
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
