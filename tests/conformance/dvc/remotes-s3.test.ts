import { afterAll, beforeAll, expect, test } from 'vitest'
import { startS3, type S3Server } from '../../support/s3.ts'
import { emptied, exchanged, projectWith, setRemote } from './remotes-support.ts'
import { ours } from './support.ts'

let s3: S3Server
let bucket: string

beforeAll(async () => {
  s3 = await startS3()
  bucket = await s3.createBucket()
})

afterAll(() => s3.stop())

function remote(path: string): Record<string, string> {
  return {
    url: `s3://${bucket}/${path}`,
    endpointurl: s3.endpoint,
    region: 'us-east-1',
    access_key_id: s3.owner.accessKeyId,
    secret_access_key: s3.owner.secretAccessKey,
  }
}

test('dvc and orrery share data in a bucket', async () => {
  expect(await exchanged({ first: remote('a b'), second: remote('deep/er') })).toEqual([])
})

test('large files go up in parts, and a refusal says what to do', async () => {
  const box = projectWith(remote('large'))
  try {
    box.write('large.bin', Buffer.alloc(40 << 20, 'orrery'))
    await ours(box).data.add(['large.bin'])
    expect((await ours(box).data.push()).failed).toEqual([])
    expect(box.dvc('status', '-c')).toContain('in sync')
    emptied(box)
    expect(await ours(box).data.fetch()).toEqual({ objects: 6, failed: [] })

    setRemote(box, { ...remote('large'), secret_access_key: 'wrong' })
    await expect(ours(box).data.push()).rejects.toThrow(/these credentials may not do that/)
  } finally {
    box.remove()
  }
})
