import { expect, test } from 'vitest'
import { withoutPlaces } from './places.ts'

test.each([
  ['File "/srv/secret/env/lib/model.py", line 3', 'File "model.py", line 3'],
  [
    'Load model from /srv/a/model.onnx failed:/src/core/model.cc:284',
    'Load model from model.onnx failed:model.cc:284',
  ],
  ['see https://example.org/a/b, 3/4 of ./x/y', 'see https://example.org/a/b, 3/4 of ./x/y'],
])('%s is told as %s', (said, told) => {
  expect(withoutPlaces(said)).toBe(told)
})
