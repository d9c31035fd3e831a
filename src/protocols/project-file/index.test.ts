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
