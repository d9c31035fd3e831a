import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startS3, type S3Server } from '../../support/s3.ts'
import { ours, sandbox, type Sandbox } from './support.ts'

let s3: S3Server
let box: Sandbox
let data: Record<string, string>

/** Real dvc pushes two versions of a folder and a file; each is a commit, and only the bucket keeps the bytes. */
beforeAll(async () => {
  s3 = await startS3()
  const Bucket = await s3.createBucket()
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  box = sandbox()
  box.dvc('init', '-q')
  const remote = {
    url: `s3://${Bucket}/our data`,
    version_aware: 'true',
    endpointurl: s3.endpoint,
    region: 'us-east-1',
    access_key_id: s3.owner.accessKeyId,
    secret_access_key: s3.owner.secretAccessKey,
  }
  const lines = Object.entries(remote).map(([name, value]) => `    ${name} = ${value}`)
  box.write('.dvc/config', `[core]\n    remote = it\n['remote "it"']\n${lines.join('\n')}\n`)
  box.write('sets/data/one.txt', 'one\n')
  box.write('sets/data/sub/zwei ü.txt', 'zwei\n')
  box.write('model.bin', 'model 1\n')
  box.dvc('add', '-q', 'sets/data', 'model.bin')
  box.dvc('push', '-q')
  data = box.tree('sets/data')
  commit('first')
  box.write('sets/data/one.txt', 'one, changed\n')
  box.write('model.bin', 'model 2\n')
  box.dvc('add', '-q', 'sets/data', 'model.bin')
  box.dvc('push', '-q')
  commit('second')
})

afterAll(async () => {
  box?.remove()
  await s3.stop()
})

function commit(name: string): void {
  box.git('add', '.')
  box.git('commit', '-q', '-m', name)
  box.git('tag', name)
}

function emptied(): void {
  for (const path of ['sets/data', 'model.bin', '.dvc/cache'])
    rmSync(join(box.root, path), { recursive: true, force: true })
}

test('what dvc pushed to a bucket that keeps versions is pulled, each commit in its own version', async () => {
  for (const [name, one, model] of [
    ['first', 'one\n', 'model 1\n'],
    ['second', 'one, changed\n', 'model 2\n'],
  ] as const) {
    box.git('checkout', '-q', name)
    emptied()
    const away = await ours(box).data.cloudStatus({})
    expect(new Set(away.map(({ change }) => change))).toEqual(new Set(['deleted']))
    const { fetched, checkout } = await ours(box).data.pull()
    expect([fetched.failed, checkout.failed]).toEqual([[], []])
    expect(box.tree('sets/data')).toEqual({ ...data, 'one.txt': one })
    expect(box.read('model.bin')).toBe(model)
    expect(await ours(box).data.status()).toEqual([])
    expect(await ours(box).data.cloudStatus({})).toEqual([])
  }
  expect(box.dvc('status')).toContain('up to date')
  emptied()
  const all = await ours(box).data.fetch([], { revisions: { tags: true } })
  // Two lists, three files of the folders, and two of the model.
  expect(all).toEqual({ objects: 7, failed: [] })
  emptied()
  box.dvc('pull', '-q')
  expect(await ours(box).data.status()).toEqual([])
  expect(await ours(box).data.cloudStatus({})).toEqual([])
  rmSync(join(box.root, 'sets/data'), { recursive: true })
  expect((await ours(box).data.checkout()).failed).toEqual([])
  expect(box.tree('sets/data')).toEqual({ ...data, 'one.txt': 'one, changed\n' })
})

test('recording the same data keeps the versions; changed data is not pushed there, and dvc is named', async () => {
  await ours(box).data.pull()
  const before = [box.read('sets/data.dvc'), box.read('model.bin.dvc')]
  await ours(box).data.add(['sets/data', 'model.bin'])
  expect([box.read('sets/data.dvc'), box.read('model.bin.dvc')]).toEqual(before)
  expect(await ours(box).data.push()).toEqual({ objects: 0, failed: [] })

  box.write('model.bin', 'model 3\n')
  await ours(box).data.add(['model.bin'])
  expect(await ours(box).data.cloudStatus({})).toEqual([{ path: 'model.bin', change: 'new' }])
  await expect(ours(box).data.push()).rejects.toThrow(/run `dvc push` to push there/)
  box.dvc('push', '-q')
  emptied()
  await ours(box).data.pull()
  expect(box.read('model.bin')).toBe('model 3\n')
})

test('a version that is gone from the bucket is named, and a path that leaves the folder is refused', async () => {
  emptied()
  const good = box.read('model.bin.dvc')
  box.write('model.bin.dvc', good.replace(/version_id: \S+/, `version_id: ${'f'.repeat(32)}`))
  const { failed } = await ours(box).data.fetch(['model.bin'])
  expect(failed).toEqual([
    {
      path: 'model.bin',
      reason: expect.stringContaining('in its version ffff') as string,
      absent: true,
    },
  ])
  box.write('model.bin.dvc', good)
  const list = box.read('sets/data.dvc')
  box.write('sets/data.dvc', list.replace('relpath: one.txt', 'relpath: ../../one.txt'))
  await expect(ours(box).data.fetch()).rejects.toThrow(/leads out of the folder/)
})
