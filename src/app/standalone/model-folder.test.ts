import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modelAt } from './model-folder.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'tests', 'fixtures', 'models')

test('a file of ONNX is a model of ONNX, by whatever name it is served', async () => {
  const path = join(FIXTURES, 'half.onnx')
  expect(await modelAt(path, 'a-half')).toMatchObject({
    files: { path },
    servable: { model: 'a-half', version: 1, flavor: 'onnx' },
  })
})
