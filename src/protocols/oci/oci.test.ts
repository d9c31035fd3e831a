import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pushLayout, referenceIn, writeLayer, writeLayout, type FileEntry } from './index.ts'

const run = promisify(execFile)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-oci-'))
  await writeFile(join(folder, 'big'), Buffer.alloc(3_000_000, 'abc'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const files = (): FileEntry[] => [
  {
    path: 'models/m/model.onnx',
    mode: 0o644,
    content: { file: join(folder, 'big'), sizeBytes: 3_000_000 },
  },
  { path: 'bin/run', mode: 0o755, content: { text: '#!/bin/sh\n' } },
  { path: `deep/${'long'.repeat(40)}/ünïcode`, mode: 0o644, content: { text: '' } },
  { path: 'lib64', mode: 0o644, content: { link: 'lib' } },
]

async function makeLayout(name: string): Promise<{ layout: string; digest: string }> {
  const layout = join(folder, name)
  const layers = [
    await writeLayer(layout, files(), 'files'),
    await writeLayer(layout, [], 'nothing'),
  ]
  const digest = await writeLayout(
    layout,
    {
      layers,
      architecture: 'amd64',
      entrypoint: ['/bin/run'],
      command: ['serve'],
      environment: { PATH: '/bin' },
      workingFolder: '/',
      user: '65532:65532',
      ports: [8080],
      labels: { 'org.opencontainers.image.title': 'm' },
      createdMs: 0,
    },
    'v1',
  )
  return { layout, digest }
}

test('the same files make the same image, byte for byte', async () => {
  const [one, other] = [await makeLayout('one'), await makeLayout('other')]
  expect(one.digest).toBe(other.digest)
  const blobs = (layout: string) => readdir(join(layout, 'blobs', 'sha256'))
  expect((await blobs(one.layout)).toSorted()).toEqual((await blobs(other.layout)).toSorted())
  expect(await readFile(join(one.layout, 'index.json'))).toEqual(
    await readFile(join(other.layout, 'index.json')),
  )
})

test('umoci unpacks the image to the files that went in, and skopeo reads how it starts', async () => {
  const { layout } = await makeLayout('unpacked')
  const bundle = join(folder, 'bundle')
  await run('umoci', ['unpack', '--rootless', '--image', `${layout}:v1`, bundle])
  const root = join(bundle, 'rootfs')
  expect(await readFile(join(root, 'models/m/model.onnx'))).toEqual(
    await readFile(join(folder, 'big')),
  )
  expect((await stat(join(root, 'bin/run'))).mode & 0o777).toBe(0o755)
  expect(await readFile(join(root, `deep/${'long'.repeat(40)}/ünïcode`), 'utf8')).toBe('')
  expect(await readlink(join(root, 'lib64'))).toBe('lib')
  const { stdout } = await run('skopeo', ['inspect', '--config', `oci:${layout}:v1`])
  expect(JSON.parse(stdout)).toMatchObject({
    architecture: 'amd64',
    config: {
      User: '65532:65532',
      Entrypoint: ['/bin/run'],
      Cmd: ['serve'],
      ExposedPorts: { '8080/tcp': {} },
    },
  })
})

test('a registry takes the image once, gives it back, and is sent only what it lacks', async () => {
  const { layout, digest } = await makeLayout('pushed')
  const registry = await startRegistry(join(folder, 'registry'))
  try {
    const reference = referenceIn(`127.0.0.1:${registry.port}/team/m:v1`)
    const first = await pushLayout(layout, reference)
    expect(first).toMatchObject({ digest, pushedBytes: expect.any(Number) })
    expect(first.pushedBytes).toBeGreaterThan(1000)
    expect(await pushLayout(layout, reference)).toEqual({ digest, pushedBytes: 0 })
    const { stdout } = await run('skopeo', [
      'inspect',
      '--tls-verify=false',
      `docker://127.0.0.1:${registry.port}/team/m:v1`,
    ])
    expect(JSON.parse(stdout)).toMatchObject({ Digest: digest })
  } finally {
    registry.child.kill()
  }
})

test('a registry that sells tokens for credentials is pushed to', async () => {
  const { layout } = await makeLayout('guarded')
  const seen: string[] = []
  const blobs = new Set<string>()
  const server = createServer((request, response) => {
    const { url = '', method = '', headers } = request
    request.resume()
    seen.push(`${method} ${headers.authorization ?? '-'}`)
    const base = `http://${headers.host}`
    const answer = (status: number, more: Record<string, string> = {}, body = '') =>
      request.on('end', () => response.writeHead(status, more).end(body))
    if (url.startsWith('/token'))
      return headers.authorization === `Basic ${Buffer.from('ann:secret').toString('base64')}`
        ? answer(200, {}, '{"token":"T"}')
        : answer(401)
    if (headers.authorization !== 'Bearer T')
      return answer(401, {
        'www-authenticate': `Bearer realm="${base}/token",service="s",scope="repository:m:push"`,
      })
    if (method === 'HEAD') return answer(blobs.has(url) ? 200 : 404)
    if (method === 'POST') return answer(202, { location: '/v2/m/blobs/uploads/1?state=x' })
    return answer(201)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const reference = referenceIn(`127.0.0.1:${port}/m:v1`)
  try {
    await pushLayout(layout, reference, { credentials: { user: 'ann', password: 'secret' } })
    expect(seen.filter((line) => line.startsWith('PUT'))).toEqual(Array(4).fill('PUT Bearer T'))
    await expect(
      pushLayout(layout, reference, { credentials: { user: 'ann', password: 'wrong' } }),
    ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('login') })
  } finally {
    server.close()
  }
})

test.each(['flights', 'host/Flights:1', 'host/flights', 'host/flights:', 'host//x:1', 'a b/c:1'])(
  'what names no image is refused: %s',
  (text) => {
    expect(() => referenceIn(text)).toThrow('registry[:port]/name:tag')
  },
)

async function startRegistry(place: string): Promise<{ child: ChildProcess; port: number }> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const config = `version: 0.1\nstorage: { filesystem: { rootdirectory: ${place} } }\nhttp: { addr: "127.0.0.1:${port}" }\n`
  await writeFile(join(folder, 'registry.yml'), config)
  const child = spawn('docker-registry', ['serve', join(folder, 'registry.yml')], {
    stdio: 'ignore',
  })
  for (let tries = 0; tries < 100; tries++) {
    const isUp = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isUp) return { child, port }
    await sleep(50)
  }
  child.kill()
  throw new Error('the registry did not start')
}
