import { expect, test } from 'vitest'
import type { PredictionRow } from '#serving'
import { promotionEvidence } from './evidence.ts'

type Parts = Parameters<typeof promotionEvidence>[0]

const rows = Array.from({ length: 150 }, (_, index) => ({
  inputs: { x: index },
  label: index * 2,
  key: null,
  eventMs: index,
}))

/** The candidate is off by 3; what it was trained on ends at row 9. */
const parts = {
  endpointOf: async (model: string) => (model === 'unserved' ? undefined : 'doubles'),
  trainedUntil: async (model: string) => (model === 'untracked' ? null : 9),
  queries: { watermark: async () => 149 },
  labelledRows: async function* (_: string, { fromMs, toMs }: { fromMs: number; toMs: number }) {
    yield* rows.filter((row) => row.eventMs >= fromMs && row.eventMs < toMs)
  },
  answers: async (_: string, __: number, inputs: readonly Record<string, number>[]) =>
    inputs.map(({ x = 0 }) => ({ value: x * 2 + 3 })),
  roles: async () => ({ task: 'regression' }),
} as unknown as Parts & { labelledRows: () => AsyncIterable<PredictionRow> }

test('a metric on predictions is measured on what the version answers to rows newer than its training data', async () => {
  const evidence = promotionEvidence(parts)
  expect(await evidence.measured('doubles', 2, 'rmse')).toMatchObject({
    value: 3,
    rows: 140,
    fromMs: 10,
    toMs: 150,
  })
  expect(await evidence.measured('doubles', 2, 'f1')).toMatchObject({
    value: null,
    note: 'regression has no metric f1',
  })
})

test('and where it cannot be, the reason is said', async () => {
  const evidence = promotionEvidence(parts)
  const notes = await Promise.all(
    ['unserved', 'untracked'].map(
      async (model) => (await evidence.measured(model, 1, 'rmse')).note,
    ),
  )
  expect(notes).toEqual([
    'no endpoint serves unserved',
    'the training data of untracked:1 is not known',
  ])
})
