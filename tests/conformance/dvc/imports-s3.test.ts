import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listAddress } from '#app/project/address-listing'
import { startS3, type S3Server } from '../../support/s3.ts'
import { dvcEnvironment, ours, sandbox, type Sandbox } from './support.ts'

let s3: S3Server
let bucket = ''
let theirs: Sandbox
let mine: Sandbox

beforeAll(async () => {
  s3 = await startS3()
  bucket = await s3.createBucket()
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: s3.owner.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.owner.secretAccessKey,
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
  })
  for (const [key, body] of [
    ['in/f.csv', 'a,b\n1,2\n'],
    ['in/d/x', 'x\n'],
    ['in/d/sub/ü', 'yy\n'],
  ] as const)
    await put(key, body)
  ;[theirs, mine] = [sandbox(), sandbox()]
  for (const box of [theirs, mine]) box.dvc('init', '-q')
})

afterAll(async () => {
  for (const box of [theirs, mine]) box.remove()
  await s3.stop()
})

async function put(Key: string, Body: string): Promise<void> {
  await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
}

async function taken(path: string, out: string, versions: boolean): Promise<void> {
  await (
    await ours(mine).imports()
  ).importAddress({
    url: `s3://${bucket}/${path}`,
    out,
    extent: 'fetch',
    force: false,
    ...(versions ? { settings: { version_aware: true } } : {}),
  })
}

async function updated(file: string): Promise<string | undefined> {
  const imports = await ours(mine).imports()
  return (await imports.update({ targets: [file], extent: 'fetch', force: false }))[0]?.change
}

test('files and folders of a bucket are imported and updated as dvc does it, with and without versions', async () => {
  theirs.dvc('import-url', '-q', `s3://${bucket}/in/f.csv`, 'f')
  theirs.dvc('import-url', '-q', `s3://${bucket}/in/d`, 'd')
  theirs.dvc('import-url', '-q', '--version-aware', `s3://${bucket}/in/f.csv`, 'vf')
  theirs.dvc('import-url', '-q', '--version-aware', `s3://${bucket}/in/d`, 'vd')
  await taken('in/f.csv', 'f', false)
  await taken('in/d', 'd', false)
  await taken('in/f.csv', 'vf', true)
  await taken('in/d', 'vd', true)
  for (const name of ['f.dvc', 'd.dvc', 'vf.dvc', 'vd.dvc', '.gitignore'])
    expect([name, mine.read(name)]).toEqual([name, theirs.read(name)])
  expect(mine.tree('d')).toEqual(theirs.tree('d'))
  expect(await updated('vd.dvc')).toBe('unchanged')

  await put('in/d/x', 'newer x\n')
  await put('in/f.csv', 'newer\n')
  theirs.dvc('update', '-q', 'd.dvc', 'vd.dvc')
  expect([await updated('d.dvc'), await updated('vd.dvc')]).toEqual(['updated', 'updated'])
  for (const name of ['d.dvc', 'vd.dvc'])
    expect([name, mine.read(name)]).toEqual([name, theirs.read(name)])
  expect(mine.tree('vd')).toEqual(theirs.tree('vd'))
})

test('what is lost comes from its address again: the version that is written, or a word that there is another', async () => {
  await put('in/d/x', 'newest x\n')
  rmSync(join(mine.root, '.dvc/cache/files'), { recursive: true })
  const fetched = await (await ours(mine).imports()).fetch(['d', 'vf', 'vd'])
  expect(fetched).toEqual([
    { path: 'd', reason: expect.stringContaining('has other data now') as string },
    { path: 'vf' },
    { path: 'vd' },
  ])
  rmSync(join(mine.root, 'vf'))
  await ours(mine).data.checkout(['vf'])
  expect(mine.read('vf')).toBe('a,b\n1,2\n')
})

test('a bucket is listed, and one with a name that leads out of the folder is refused', async () => {
  const listed = async (level: number, folders: boolean) => {
    const how = { level, folders, settings: {} }
    const { below } = await listAddress(`s3://${bucket}/in`, how, dvcEnvironment())
    return below.map(({ path, isFolder }) => (isFolder ? `${path}/` : path))
  }
  expect(await listed(0, true)).toEqual([])
  expect(await listed(1, false)).toEqual(['d/', 'f.csv'])
  expect(await listed(2, true)).toEqual(['d/', 'd/sub/', 'd/x', 'f.csv'])
  expect(await listed(Infinity, false)).toEqual(['d/sub/ü', 'd/x', 'f.csv'])
  await put('bad/a/b', 'x')
  await put('bad/.git/config', 'x')
  await expect(taken('bad', 'bad', false)).rejects.toThrow(/names ".git\/config"/)
  await expect(taken('nothing', 'nothing', false)).rejects.toThrow(/there is nothing at/)
})
