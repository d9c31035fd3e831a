import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Kind, Table } from './table.ts'
import { batchesIn, batchWriter, COPY_END, COPY_START, valuesIn, type Value } from './tuple.ts'

const KINDS: readonly Kind[] = ['text', 'big', 'small', 'float', 'bytes']
const columns = KINDS.map((kind) => ({ name: kind, kind, isRequired: false }))
const table: Table = { name: 't', columns, key: ['big'], needs: [] }

const row = fc.tuple(
  fc.option(fc.string({ unit: 'grapheme' })),
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.option(fc.integer().map(BigInt)),
  fc.option(fc.double({ noNaN: true })),
  fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
)

test('rows are read as they were written, whatever pieces they come in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 50 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      async (rows, sizes) => {
        const writer = batchWriter(columns)
        for (const values of rows) writer.add(values)
        const whole = Buffer.concat([COPY_START, writer.take().bytes, COPY_END])
        expect(await readBack(whole, sizes)).toEqual(rows.map(asRead))
      },
    ),
    { numRuns: 200 },
  )
})

test('a row of megabytes comes whole, between small ones', async () => {
  const large: Value[] = ['x'.repeat(3_000_000), 1n, 2n, 0.5, Buffer.alloc(1_000_000, 7)]
  const small: Value[] = ['', -1n, -2n, Infinity, Buffer.alloc(0)]
  const writer = batchWriter(columns)
  for (const values of [small, large, small]) writer.add(values)
  const whole = Buffer.concat([COPY_START, writer.take().bytes, COPY_END])
  expect(await readBack(whole, [65_536])).toEqual([small, large, small].map(asRead))
})

async function readBack(whole: Buffer, sizes: readonly number[]): Promise<Value[][]> {
  const read: Value[][] = []
  for await (const batch of batchesIn(pieces(whole, sizes), table)) {
    const rows = [...valuesIn(batch, columns)]
    expect(rows).toHaveLength(batch.rows)
    read.push(...rows)
  }
  return read
}

async function* pieces(whole: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    // Copied, as it may be changed.
    yield Buffer.from(whole.subarray(at, at + size))
    at += size
  }
}

/** Small numbers come as numbers, and zeros without a sign. */
function asRead(values: readonly Value[]): Value[] {
  return values.map((value, at) => {
    if (KINDS[at] === 'small' && value !== null) return Number(value)
    return Object.is(value, -0) ? 0 : value
  })
}
