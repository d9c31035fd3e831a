import { expect, test } from 'vitest'
import { codeFor } from './code.ts'
import { sentenceOf } from './sentence.ts'
import { runViewIn } from './view.ts'

const info = {
  run_id: 'ab',
  run_name: 'n',
  experiment_id: '1',
  status: 'RUNNING',
  lifecycle_stage: 'active',
}

test('the code names what the run has, and nothing that it has not', () => {
  expect(codeFor({ info, data: {} }, 'http://x')).not.toContain('history')
  const metrics = [
    { key: 'system/cpu', value: 1 },
    { key: 'a "b"', value: 1 },
  ]
  expect(codeFor({ info, data: { metrics } }, 'http://x')).toContain('"a \\"b\\""')
})

test('a line is told in words', () => {
  const series = { runId: 'r', key: 'loss', total: 900, sampled: false, times: [] }
  expect(sentenceOf({ ...series, steps: [0, 5, 9], values: [2, null, 0.5] })).toBe(
    'loss fell from 2 to 0.5 in 900 points; lowest 0.5 at step 9, highest 2 at step 0',
  )
  expect(sentenceOf({ ...series, sampled: true, steps: [2, 9], values: [2, 0.5] }, 0.75)).toBe(
    'loss is 0.75 after 900 points; lowest 0.5 at step 9, highest 2 at step 2',
  )
  expect(sentenceOf({ ...series, steps: [0], values: [null] })).toBe('loss was never a number')
})

test('an address is read for what is ours', () => {
  expect(runViewIn({ tab: 'raw', file: 7, of: '', other: 1 })).toEqual({ tab: 'raw', file: '7' })
  expect(runViewIn({ tab: 'x' })).toEqual({})
})
