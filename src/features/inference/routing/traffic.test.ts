import { expect, test } from 'vitest'
import { trafficMeter } from './traffic.ts'

test('what was answered is counted, and not held on to', () => {
  const meter = trafficMeter()
  const answer = { atMs: 1000, tookMs: 2, rows: 3, outputs: new Float32Array(1000) }
  meter.note('late', answer)
  // Were it the answer itself that is remembered, with all its outputs, it would change with it.
  answer.rows = 70
  expect(meter.traffic(1500)).toMatchObject([{ endpoint: 'late', rowsPerSecond: 0.3, p50Ms: 2 }])
})
