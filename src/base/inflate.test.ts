import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { inflated } from './inflate.ts'

const body = Buffer.from('{"a": 1}')

test.each([
  ['gzip', gzipSync(body)],
  [' GZip ', gzipSync(body)],
  ['deflate', deflateSync(body)],
  ['deflate', deflateRawSync(body)],
  ['identity', body],
  ['', body],
  [undefined, body],
])('a body that came as %s is read', async (encoding, sent) => {
  expect(await inflated(sent, encoding, 100)).toEqual(body)
})

test('a body that would grow beyond the limit is refused', async () => {
  for (const [encoding, bomb] of [
    ['gzip', gzipSync(Buffer.alloc(1e6))],
    ['deflate', deflateSync(Buffer.alloc(1e6))],
    ['deflate', deflateRawSync(Buffer.alloc(1e6))],
  ] as const)
    await expect(inflated(bomb, encoding, 1000)).rejects.toMatchObject({ code: 'limit' })
})

test('what is no such stream is refused, and so is an encoding that is not read', async () => {
  for (const encoding of ['gzip', 'deflate'])
    for (const bytes of [body, Buffer.alloc(0)])
      await expect(inflated(bytes, encoding, 100)).rejects.toMatchObject({ code: 'invalid' })
  for (const encoding of ['br', 'constructor'])
    await expect(inflated(body, encoding, 100)).rejects.toMatchObject({ code: 'unsupported' })
  await expect(inflated(body, 'br', 100, 'invalid')).rejects.toMatchObject({ code: 'invalid' })
})
