import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startS3, type S3Server } from '../../support/s3.ts'
import { setRemote, startWeb } from './remotes-support.ts'
import { ours, sandbox, type Sandbox } from './support.ts'

// What dvc and orrery remember of runs, shared over remotes with --run-cache.

const top = mkdtempSync(join(tmpdir(), 'orrery-runs-'))
let s3: S3Server
let bucket: string
let web: Awaited<ReturnType<typeof startWeb>>
beforeAll(async () => {
  s3 = await startS3()
  bucket = await s3.createBucket()
  web = await startWeb()
})
afterAll(async () => {
  await s3.stop()
  await web.stop()
  rmSync(top, { recursive: true, force: true })
})

const PLACES: [string, () => Record<string, string>][] = [
  ['a folder', () => ({ url: join(top, 'store') })],
  [
    'a bucket',
    () => ({
      url: `s3://${bucket}/runs here`,
      endpointurl: s3.endpoint,
      region: 'us-east-1',
      access_key_id: s3.owner.accessKeyId,
      secret_access_key: s3.owner.secretAccessKey,
    }),
  ],
]

test.each(PLACES)('runs that orrery pushes to %s are restored by dvc', async (_, remote) => {
  const box = await projectThatRan(remote())
  try {
    const pushed = await ours(box).data.push([], { runCache: true })
    // What both runs brought forth, though the lock names one.
    expect(pushed).toEqual({ objects: 2, failed: [], runs: 2 })
    expect(await ours(box).data.push([], { runCache: true })).toMatchObject({ objects: 0, runs: 0 })
    forget(box)
    box.dvc('fetch', '-q', '--run-cache')
    box.write('raw.txt', 'one\n')
    expect(box.dvc('repro', '--pull')).toContain('is cached - skipping run')
    expect(box.read('out.txt')).toBe('one\n')
  } finally {
    box.remove()
  }
})

test.each(PLACES)('runs that dvc pushes to %s are restored by orrery', async (_, remote) => {
  const box = await projectThatRan({ ...remote(), url: `${remote()['url']} of dvc` })
  try {
    // It pushes what the lock names now, so once at each.
    box.dvc('push', '-q', '--run-cache')
    box.write('raw.txt', 'one\n')
    box.dvc('repro', '-q')
    box.dvc('push', '-q', '--run-cache')
    forget(box)
    box.write('raw.txt', 'two\n')
    expect(await ours(box).data.fetch([], { runCache: true })).toMatchObject({
      failed: [],
      runs: 2,
    })
    const { steps } = await ours(box).pipelines.repro({ targets: [], pull: true })
    expect(steps).toMatchObject([{ action: 'restored' }])
    expect([box.read('out.txt'), box.read('ran.log')]).toEqual(['two\n', 'ran\nran\n'])
  } finally {
    box.remove()
  }
})

test('a run that is not what its name says stays where it is, and is named', async () => {
  const remote = { url: join(top, 'damaged') }
  const box = await projectThatRan(remote)
  try {
    await ours(box).data.push([], { runCache: true })
    const [file] = runsIn(remote.url)
    appendFileSync(join(remote.url, file as string), 'cmd: rm -rf /\n')
    forget(box)
    expect(await ours(box).data.pull([], { runCache: true })).toMatchObject({
      fetched: {
        runs: 1,
        failed: [{ path: file, reason: expect.stringContaining('not the run') }],
      },
    })
    expect(runsIn(join(box.root, '.dvc/cache'))).not.toContain(file)
  } finally {
    box.remove()
  }
})

test('a web server cannot tell which runs it has: data goes there, runs do not', async () => {
  const box = await projectThatRan({ url: `${web.url}/runs` })
  try {
    const pushed = await ours(box).data.push([], { runCache: true })
    expect(pushed).toEqual({ objects: 1, failed: [], runs: null })
  } finally {
    box.remove()
  }
})

/** A project whose one stage has run twice, each time with other data. */
async function projectThatRan(remote: Readonly<Record<string, string>>): Promise<Sandbox> {
  const box = sandbox()
  box.dvc('init', '-q')
  setRemote(box, remote)
  box.write(
    'dvc.yaml',
    'stages:\n  copy:\n    cmd: cp raw.txt out.txt && echo ran >> ran.log\n    deps: [raw.txt]\n    outs: [out.txt]\n',
  )
  for (const text of ['one\n', 'two\n']) {
    box.write('raw.txt', text)
    // oxlint-disable-next-line no-await-in-loop -- the second run is another than the first
    await ours(box).pipelines.repro({ targets: [] })
  }
  return box
}

function forget(box: Sandbox): void {
  for (const path of ['out.txt', '.dvc/cache', '.dvc/tmp'])
    rmSync(join(box.root, path), { recursive: true, force: true })
}

function runsIn(folder: string): string[] {
  return readdirSync(join(folder, 'runs'), { recursive: true })
    .map((path) => `runs/${String(path)}`)
    .filter((path) => path.split('/').length === 4)
}
