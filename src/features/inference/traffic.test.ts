import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { trafficMeter } from './traffic.ts'

test('what was answered is counted without being kept', async () => {
  const meter = trafficMeter()
  const answered = () => {
    const answer = { atMs: 1000, tookMs: 2, rows: 3, outputs: new Float32Array(1000) }
    meter.note('late', answer)
    return new WeakRef(answer.outputs)
  }
  const outputs = answered()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await expect
    .poll(() => {
      collect()
      return outputs.deref()
    })
    .toBeUndefined()
  expect(meter.traffic(1500)).toMatchObject([{ endpoint: 'late', rowsPerSecond: 0.3, p50Ms: 2 }])
})
