import { expect, test } from 'vitest'
import type { LoggedBatch, MatrixBatch, NewBatch } from './journal.ts'
import { loggedBatch } from './logged-batch.ts'
import type { LogPolicy } from './log-policy.ts'
import { feedsOfTensors, planFeeds } from './rows/feeds.ts'
import type { Taken } from './taken.ts'
import type { NumericData, Tensor, TensorType } from './tensor.ts'

const columns = ['x', 'y', 'z'].map((name) => ({ name, type: 'float' as const, required: true }))
const matrix: Tensor = {
  name: 'X',
  type: 'float32',
  shape: [2, 3],
  data: Float32Array.of(1, 0.1, Number.NaN, -0, 4, 5),
}
const score: Tensor = { name: 'score', type: 'float32', shape: [2, 1], data: Float32Array.of(7, 8) }

test('a matrix that is answered with numbers is logged as numbers, and says the same as rows would', () => {
  const numbers = logged([matrix], { outputs: [score] })
  const whole = logged([matrix], { outputs: [score], digest: 'd' }) as NewBatch
  expect(isMatrix(numbers)).toBe(true)
  const { matrix: values, outputs, rows, revision, ...head } = numbers as MatrixBatch
  expect(whole).toMatchObject({ ...head, answers: [{ revision }] })
  expect(whole.rows).toHaveLength(rows)
  for (const [row, { eventMs, key, inputs }] of whole.rows.entries())
    expect([eventMs, key, inputs]).toEqual([1000, null, [...values.subarray(row * 3, row * 3 + 3)]])
  expect(outputs.map((output) => Array.from(output))).toEqual(whole.answers[0]?.outputs)
})

test.each<[string, Parameters<typeof logged>]>([
  ['another column beside the matrix', [[matrix, column('k', Float64Array.of(1, 2))], {}]],
  [
    'an answer of lists',
    [[matrix], { outputs: [{ ...score, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }] }],
  ],
  [
    'whole numbers that may be too large',
    [[matrix], { outputs: [column('label', BigInt64Array.of(1n, 2n), 'int64')] }],
  ],
  ['a name of its own', [[matrix], { digest: 'd' }]],
  ['events of its own', [[matrix], { events: true }]],
  ['a column that is never written', [[matrix], { log: policy({ redact: ['y'] }) }]],
  ['no inputs to be written', [[matrix], { log: policy({ drop_inputs: true }) }]],
])('a request with %s is logged row by row', (_, given) => {
  expect(isMatrix(logged(...given))).toBe(false)
})

function isMatrix(batch: LoggedBatch): boolean {
  return 'matrix' in batch
}

function policy(some: Partial<LogPolicy>): LogPolicy {
  return { sample: 1, mode: 'buffered', redact: [], drop_inputs: false, ...some } as LogPolicy
}

function column(name: string, data: NumericData, type: TensorType = 'float64'): Tensor {
  return { name, type, shape: [data.length], data }
}

function logged(
  tensors: readonly Tensor[],
  how: { outputs?: readonly Tensor[]; digest?: string; events?: boolean; log?: LogPolicy },
): LoggedBatch {
  const shape = { inputs: [{ name: 'X', type: 'float32' as const, shape: [null, 3] }], outputs: [] }
  const plan = planFeeds(shape, columns)
  const { sent } = feedsOfTensors(plan, tensors)
  const { outputs = [score], digest = null, events = false, log = null } = how
  const revision = { number: 1, role: 'live', modelVersion: 'm/1', outputs }
  const taken = {
    table: { name: 'e', monitor: null, log },
    live: { plan, logged: revision },
    echoes: [],
  } as unknown as Taken
  return loggedBatch(taken, {
    id: { batch: 'b', digest },
    sent,
    events: events ? [1, 2].map((eventMs) => ({ eventMs, key: 'k' })) : undefined,
    outputs: [...outputs],
    atMs: 1000,
    latencyMs: 1.5,
  })
}
