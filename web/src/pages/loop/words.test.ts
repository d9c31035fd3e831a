import { expect, test } from 'vitest'
import { wordsFor } from './words.ts'

test.each([
  [
    'model-alias-moved',
    { model: 'm', alias: 'champion', version: 3 },
    'Alias champion is now m v3',
  ],
  [
    'window-evaluated',
    { start: '2013-03-01T00:00:00.000Z', auc: 0.7, driftShare: 0.25 },
    'Window of 2013-03-01 judged: AUC 0.700, drift 25\u00A0%',
  ],
  [
    'promotion-refused',
    { model: 'm', version: 4, reasons: ['not better'] },
    'm v4 refused: not better',
  ],
  ['experiment-tag-set', { key: 'a' }, 'Experiment tag set'],
])('%s reads as a sentence', (type, data, words) => {
  expect(wordsFor({ type, data })).toBe(words)
})
