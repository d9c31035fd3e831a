import { expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import { loggedCells, loggedRowsOf } from './wide.ts'

test('a row of up to 64 KiB is logged as it is', () => {
  const data = Float32Array.from({ length: 2 * 16_384 }, (_, at) => at)
  const rows = loggedRowsOf({ name: 'x', type: 'float32', shape: [2, 16_384], data })
  expect(rows[1]).toEqual([...data.subarray(16_384)])
})

test('a wider row is named by its type, its shape and the digest of its own bytes', () => {
  const data = Float32Array.from({ length: 2 * 16_385 }, (_, at) => at)
  const rows = loggedRowsOf({ name: 'x', type: 'float32', shape: [2, 5, 3277], data })
  const second = Buffer.from(data.slice(16_385).buffer)
  expect(rows[1]).toBe(`float32[5,3277] sha256:${sha256(second)}`)
  expect(rows[0]).not.toBe(rows[1])
})

test('lists of texts and lists that came as JSON are cut the same way, and nothing else is', () => {
  const data = Array.from({ length: 8193 }, String)
  const [row] = loggedRowsOf({ name: 'x', type: 'string', shape: [1, 8193], data })
  expect(row).toBe(`json[8193] sha256:${sha256(JSON.stringify(data))}`)
  const text = 'x'.repeat(100_000)
  const [cell, same, short] = loggedCells([[data.map(Number), [1]], text, [1, 2]])
  expect(cell).toMatch(/^json\[8194\] sha256:[0-9a-f]{64}$/)
  expect([same, short]).toEqual([text, [1, 2]])
})
