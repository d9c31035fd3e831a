import { expect, test } from 'vitest'
import { metricsOf } from './finish.ts'
import type { StageGround } from './repro-run.ts'
import type { ParamMap } from '../param.ts'
import type { Stage } from '../stage.ts'

const outs = [
  { kind: 'metric', path: 'metrics.json' },
  { kind: 'metric', path: 'folder' },
  { kind: 'out', path: 'model.onnx' },
]

test('the metrics of a stage are the finite numbers in its metric files, by their path', async () => {
  const values: ParamMap = new Map<string, ParamMap | number | bigint | string>([
    ['auc', 0.7],
    ['rows', 3n],
    ['loss', Number.NaN],
    ['worst', Number.POSITIVE_INFINITY],
    ['note', 'well'],
    ['by', new Map<string, number>([['carrier', 0.5]])],
  ])
  const files = {
    values: async (path: string) => {
      if (path !== 'metrics.json') throw new Error(`${path} is no file of values`)
      return values
    },
  }
  const ground = { files } as unknown as StageGround
  const stage = { outs } as unknown as Stage
  expect(await metricsOf(ground, stage)).toEqual({ auc: 0.7, rows: 3, 'by.carrier': 0.5 })
})
