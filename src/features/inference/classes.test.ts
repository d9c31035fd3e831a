import { expect, test } from 'vitest'
import { classesOf } from './classes.ts'

test('the label of the largest score is the model’s, of however many classes', () => {
  const size = 200_000
  const data = new Float32Array(size)
  data[7] = 1
  const [row = []] = classesOf([
    { name: 'scores', type: 'float32', shape: [1, size], data },
    { name: 'label', type: 'string', shape: [1], data: ['seven'] },
  ])
  expect(row.flatMap(({ label }, index) => (label === '' ? [] : [[index, label]]))).toEqual([
    [7, 'seven'],
  ])
})
