import { expect, test } from 'vitest'
import { verdict, type MonthSummary } from './summary.ts'

const month: MonthSummary = {
  month: '2013-03',
  predictions: 110,
  labels: 100,
  compared: 100,
  auc_loop: 0.7,
  auc_frozen: 0.6,
  alerts: 0,
  retrainings: 0,
  promotions: 0,
  refusals: 0,
}

test('the verdict says on what share of the flights the two models were compared, where it was not all', () => {
  const beats =
    'The loop beats the model that was never retrained: mean AUC 0.7000 against 0.6000, ahead in 1 of 1 months.'
  expect(verdict([month])).toBe(beats)
  expect(verdict([{ ...month, compared: 40 }])).toBe(
    `${beats}\nBoth AUCs are of the 40 of 100 labelled flights that the shadow was asked for: on a busy machine shadows are left out first.`,
  )
  expect(verdict([{ ...month, auc_loop: 0.5 }])).toMatch(/does NOT beat/)
})
