import { expect, test } from 'vitest'
import { monitorIn } from '#projects'
import { labels } from '../parts/labels.ts'
import { multivariate } from '../parts/multivariate.ts'
import type { Window } from '../windows/window.ts'
import { notesOn } from './notes.ts'

const window: Window = {
  endpoint: 'e',
  startMs: 0,
  endMs: 86_400_000,
  modelVersion: 'm/1',
  predictions: 300,
  profiled: 100,
  drift: { state: 'skipped', reason: 'it was not looked at' },
  performance: null,
  multivariate: {
    state: 'judged',
    rows: 200,
    columns: 0,
    reconstruction: null,
    classifier: null,
    embeddings: [],
  },
  labels: { state: 'counted', share: 0.1, usual: 0.9, stopped: true },
}
const again = (part: typeof labels, rule: object) => part.again?.(window, monitorIn(rule))

test('columns together and labels that stop are told again only where the rule that is tried looks at them', () => {
  for (const part of [multivariate, labels]) {
    expect(again(part, {})).toEqual({})
    expect(again(part, { min_samples: 200 })).toEqual({})
    // A hundred of the three hundred are known by a profile alone.
    expect(again(part, { min_samples: 201 })).toMatchObject({
      [part.kind]: { state: 'skipped', reason: expect.stringMatching(/^200 /) as string },
    })
  }
  expect(again(multivariate, { multivariate: { enabled: false } })).toMatchObject({
    multivariate: { state: 'skipped', reason: 'the monitor says not to look' },
  })
})

test('a rule that looks at columns together, where nobody did, is told to need rows', () => {
  const running = monitorIn({ multivariate: { enabled: false } })
  const notes = (rule: object) =>
    notesOn({ monitor: monitorIn(rule), running, windows: [window], kept: true })
  expect(notes({})).toEqual([expect.stringMatching(/^multivariate: .* takes rows/)])
  expect(notes({ multivariate: { enabled: false } })).toEqual([])
})
