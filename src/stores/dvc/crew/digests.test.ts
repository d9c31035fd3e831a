import { hash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { digestOpen, type Digesting } from './digests.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-digests-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MIB = 1 << 20

function digestOf(bytes: Buffer, how: Partial<Digesting> = {}) {
  const path = join(folder, 'file')
  writeFileSync(path, bytes)
  const file = openSync(path, 'r')
  const passed: Buffer[] = []
  try {
    const each = (piece: Buffer) => passed.push(Buffer.from(piece))
    const md5 = digestOpen(file, { legacy: false, each, ...how })
    return { md5, passed: Buffer.concat(passed) }
  } finally {
    closeSync(file)
  }
}

/** Buffers are compared by themselves: to list their bytes takes seconds. */
function passesAs({ md5, passed }: ReturnType<typeof digestOf>, bytes: Buffer) {
  return { md5, isAll: passed.equals(bytes) }
}

describe('the digest of an open file', () => {
  test.each([0, 1, 4096, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])(
    'is that of all of its %i bytes, and all of them pass',
    (length) => {
      const bytes = Buffer.alloc(length, 'orrery')
      const md5 = hash('md5', bytes)
      for (const how of [{}, { sizeBytes: length }, { md5 }, { md5: hash('md5', 'else') }])
        expect(passesAs(digestOf(bytes, how), bytes)).toEqual({ md5, isAll: true })
    },
  )

  test('that is shorter or longer than expected is still taken of what it holds', () => {
    const bytes = Buffer.from('twelve bytes')
    for (const sizeBytes of [0, 5, 13])
      expect(digestOf(bytes, { sizeBytes }).md5).toBe(hash('md5', bytes))
  })

  test('as DVC 2 took it reads lines as Unix writes them', () => {
    const bytes = Buffer.from('one\r\ntwo\r\n')
    const md5 = hash('md5', 'one\ntwo\n')
    expect(digestOf(bytes, { legacy: true, sizeBytes: bytes.length }).md5).toBe(md5)
    expect(digestOf(bytes, { legacy: true }).md5).toBe(md5)
  })
})
