import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { apiOf, bearer, madeStore } from '../../data-stores/support.ts'
import { freePort, spawnServer, type ServerProcess } from '../../support/process.ts'
import { startS3, type S3Server } from '../../support/s3.ts'
import { projectWith, setRemote, startWeb } from './remotes-support.ts'
import { ours, type Sandbox } from './support.ts'

let s3: S3Server
let bucket: string
let home: string
let server: ServerProcess
let box: Sandbox

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-gc-'))
  const port = await freePort()
  ;[s3, server] = await Promise.all([startS3(), spawnServer({ home, port })])
  bucket = await s3.createBucket()
  box = projectWith(inBucket('none'))
})
afterAll(async () => {
  box.remove()
  await Promise.all([s3.stop(), server.family.end()])
  await rm(home, { recursive: true, force: true })
})
// Each test starts from all that the first version had.
afterEach(() => versionOf('one'))

function inBucket(path: string, who: S3Server['owner' | 'reader'] = s3.owner) {
  return {
    url: `s3://${bucket}/${path}`,
    endpointurl: s3.endpoint,
    region: 'us-east-1',
    access_key_id: who.accessKeyId,
    secret_access_key: who.secretAccessKey,
  }
}

async function versionOf(text: string): Promise<void> {
  box.write('data/one.txt', `${text}\n`)
  await ours(box).data.add(['data'])
}

/** Pushes two versions of the folder, the older of which nothing needs any more: a file and a list. */
async function pushedTwice(remote: Readonly<Record<string, string>>): Promise<void> {
  setRemote(box, remote)
  expect((await ours(box).data.push()).failed).toEqual([])
  await versionOf('two')
  expect((await ours(box).data.push()).failed).toEqual([])
}

async function keysIn(path: string): Promise<string[]> {
  const page = await s3.client.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: `${path}/` }),
  )
  return (page.Contents ?? []).map(({ Key = '' }) => Key.slice(path.length + 1)).toSorted()
}

const collect = (forGood = false) => ours(box).upkeep.collect({ cloud: true }, { forGood })

test('gc -c puts what nothing needs aside in a bucket, dvc has the rest, and undo brings it back', async () => {
  await pushedTwice(inBucket('aside'))
  // What is no object, and what others have beside it, stays.
  await s3.client.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'aside/files/md5/README', Body: 'not ours' }),
  )
  const before = await keysIn('aside')
  expect(before).toHaveLength(8)
  const { plan, places } = await collect()
  expect(plan.places.map(({ undoable, free }) => [undoable, free.length])).toEqual([
    [true, 2],
    [true, 2],
  ])
  expect(places?.map(({ objects, failed }) => [objects, failed])).toEqual([
    [2, []],
    [2, []],
  ])
  const after = await keysIn('aside')
  expect(after.filter((key) => key.startsWith('files/'))).toHaveLength(6)
  expect(after.filter((key) => /^orrery\/trash\/[^/]+\/files\/md5\/../.test(key))).toHaveLength(2)
  expect(box.dvc('status', '-c')).toContain('in sync')

  const undone = await ours(box).upkeep.undo({ cloud: true })
  expect(undone.places.map(({ objects }) => objects)).toEqual([2, 2])
  expect(await keysIn('aside')).toEqual(before)

  await collect()
  const purged = await ours(box).upkeep.collect({ cloud: true }, { purge: true })
  expect(purged.places?.[1]?.purged.objects).toBe(2)
  expect((await keysIn('aside')).some((key) => key.startsWith('orrery/'))).toBe(false)
})

test('who may only read frees nothing, and is told what stayed and that its files stay with the list', async () => {
  await pushedTwice(inBucket('guarded'))
  const before = await keysIn('guarded')
  setRemote(box, inBucket('guarded', s3.reader))
  const { places } = await collect()
  expect(places?.[1]).toMatchObject({ objects: 0 })
  const failed = places?.[1]?.failed ?? []
  expect(failed.map(({ md5 }) => md5)).toEqual([expect.stringMatching(/\.dir$/), '1 files'])
  expect(failed[0]?.reason).toContain('these credentials may not do that')
  expect(await keysIn('guarded')).toEqual(before)
})

test('fsck -r finds in a bucket what is missing and, with --deep, what has other bytes, and mends both', async () => {
  setRemote(box, inBucket('damaged'))
  await ours(box).data.push()
  const [lost = '', wrong = ''] = (await keysIn('damaged')).filter((key) => !key.endsWith('.dir'))
  const size = (
    await s3.client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `damaged/${wrong}` }))
  ).Contents?.[0]?.Size
  const at = (key: string) => ({ Bucket: bucket, Key: `damaged/${key}` })
  await s3.client.send(new DeleteObjectCommand(at(lost)))
  await s3.client.send(new PutObjectCommand({ ...at(wrong), Body: Buffer.alloc(size ?? 0, 'x') }))
  const scrub = (deep: boolean, dry = false) =>
    ours(box).upkeep.scrub({ remote: { name: undefined }, deep, dry })
  const faults = async (deep: boolean, dry = false) =>
    (await scrub(deep, dry)).findings.map(({ fault, outcome }) => `${fault}, ${outcome.kind}`)
  expect((await faults(true, true)).toSorted()).toEqual([
    'damaged, untouched',
    'missing, untouched',
  ])
  expect(await faults(false)).toEqual(['missing, mended'])
  expect(await faults(true)).toEqual(['damaged, mended'])
  expect(await scrub(true)).toMatchObject({ findings: [], broken: false })
  expect((await keysIn('damaged')).filter((key) => key.startsWith('orrery/damaged/'))).toHaveLength(
    1,
  )
})

test('a data store of a server is freed for good, once that is said, and looked through as well', async () => {
  const store = await madeStore(server.url, 'freed')
  const login = { url: store.url, auth: 'basic', user: 'ada', password: store.write }
  await pushedTwice(login)
  const there = () => apiOf(server.url)<{ objects: number }>('GET', '/data-stores/freed')
  expect((await there()).objects).toBe(7)
  await expect(collect()).rejects.toThrow(/--force/)
  setRemote(box, { ...login, password: store.read })
  const refused = await ours(box).upkeep.collect({ cloud: true }, { forGood: true })
  expect(refused.places?.[1]?.failed[0]?.reason).toContain('may only read')
  expect((await there()).objects).toBe(7)
  setRemote(box, login)
  const { places } = await collect(true)
  expect(places?.[1]).toMatchObject({ objects: 2, failed: [], bag: undefined })
  expect((await there()).objects).toBe(5)
  expect(box.dvc('status', '-c')).toContain('in sync')
  await expect(ours(box).upkeep.undo({ cloud: true })).rejects.toThrow(/puts nothing aside/)

  const listed = (await (await fetch(store.url, { headers: bearer(store.read) })).json()) as {
    objects: { key: string }[]
  }
  const file = listed.objects.find(({ key }) => !key.endsWith('.dir'))?.key ?? ''
  await fetch(`${store.url}/${file}`, { method: 'DELETE', headers: bearer(store.write) })
  const scrubbed = await ours(box).upkeep.scrub({ remote: { name: undefined }, deep: true })
  expect(scrubbed.findings.map(({ fault, outcome }) => [fault, outcome.kind])).toEqual([
    ['missing', 'mended'],
  ])
  expect((await there()).objects).toBe(5)
})

test('a web server that cannot list is refused, and nothing is removed anywhere', async () => {
  const web = await startWeb()
  try {
    await pushedTwice({ url: web.url })
    const before = box.tree('.dvc/cache/files')
    await expect(collect(true)).rejects.toThrow(/cannot list what it has/)
    await expect(ours(box).upkeep.scrub({ remote: { name: undefined } })).rejects.toThrow(
      /cannot list what it has/,
    )
    expect(box.tree('.dvc/cache/files')).toEqual(before)
  } finally {
    await web.stop()
  }
})
