import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { Config } from '#app/settings/config'
import { openPythonHost, type PythonHost } from '../../support/python-host.ts'
import { startS3, type S3Server } from '../../support/s3.ts'
import { startTestServer } from '../../support/server.ts'

// One script of the unmodified client, over every place that artifacts may be kept at. With a bucket behind the
// server the client sends and gets larger files in parts, by addresses that the server presigns.

vi.setConfig({ testTimeout: 300_000 })
const HERE = import.meta.dirname
let s3: S3Server
let python: PythonHost
const undo: (() => Promise<void>)[] = []

beforeAll(async () => {
  s3 = await startS3()
  Object.assign(process.env, {
    MLFLOW_S3_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.owner.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.owner.secretAccessKey,
  })
  python = await openPythonHost({
    imports: ['mlflow'],
    environment: {
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: String(10 << 20),
      MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: String(5 << 20),
      MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE: String(5 << 20),
      ONNX: join(HERE, '..', '..', 'fixtures', 'models', 'matrix.onnx'),
      PYTHONWARNINGS: 'ignore',
    },
  })
}, 90_000)
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})
afterAll(async () => {
  await python.end()
  await s3.stop()
})

async function server(settings: Partial<Config>): Promise<string> {
  const started = await startTestServer({ drainMs: 1000, ...settings })
  undo.push(started.stop)
  return started.url
}

async function tell(url: string, environment: Record<string, string> = {}): Promise<Told> {
  const script = await readFile(join(HERE, 'scripts', 'destinations.py'), 'utf8')
  return (await python.run(script, { MLFLOW_TRACKING_URI: url, ...environment })) as Told
}

interface Told extends Record<string, unknown> {
  readonly run: string
}

const EXPECTED = {
  root: [
    ['files', true, null],
    ['large.bin', false, (23 << 20) + 3],
  ],
  deep: [
    ['files/deep/b c&;%.txt', false],
    ['files/deep/er', true],
  ],
  large: true,
  odd: 'content of deep/b c&;%.txt',
}

async function keysIn(bucket: string): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key = '' }) => Key)
}

/** What pages and other tools see of the run, from the server. */
async function seenByServer(url: string, run: string) {
  const list = await fetch(`${url}/api/2.0/mlflow/artifacts/list?run_id=${run}&path=files/deep`)
  const { files } = (await list.json()) as { files: { path: string }[] }
  const at = (path: string) => `${url}/get-artifact?run_id=${run}&path=${encodeURIComponent(path)}`
  const odd = await fetch(at('files/deep/b c&;%.txt'))
  const part = await fetch(at('large.bin'), { headers: { range: 'bytes=-3' } })
  const climbing = await fetch(at('..%2f..%2fsecret'))
  return {
    deep: files.map(({ path }) => path),
    odd: await odd.text(),
    part: [part.status, await part.text()],
    absent: (await fetch(at('absent'))).status,
    folder: (await fetch(at('files'))).status,
    climbing: climbing.status,
  }
}

const SEEN = {
  deep: ['files/deep/b c&;%.txt', 'files/deep/er'],
  odd: 'content of deep/b c&;%.txt',
  part: [206, 'end'],
  absent: 404,
  folder: 400,
  climbing: 400,
}

test('files go through the server to its own disk', async () => {
  const url = await server({})
  const told = await tell(url, { MODEL: 'yes' })
  expect(told).toMatchObject({ ...EXPECTED, scheme: 'mlflow-artifacts', loaded: 'PyFuncModel' })
  expect(await seenByServer(url, told.run)).toEqual(SEEN)
})

test('a client that insists on parts sends files whole to a server that has none', async () => {
  const url = await server({})
  const told = await tell(url, {
    MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
    MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
  })
  expect(told).toMatchObject(EXPECTED)
})

test('files go to a bucket behind the server, the large ones in parts past it', async () => {
  const bucket = await s3.createBucket()
  const url = await server({ artifactsDestination: `s3://${bucket}/our/objects` })
  const info = await fetch(`${url}/api/3.0/mlflow/server-info`)
  expect(await info.json()).toMatchObject({
    multipart_uploads_enabled: true,
    multipart_downloads_enabled: true,
  })
  const told = await tell(url, { MODEL: 'yes' })
  expect(told).toMatchObject({ ...EXPECTED, scheme: 'mlflow-artifacts', loaded: 'PyFuncModel' })
  expect(await seenByServer(url, told.run)).toEqual(SEEN)
  for (const key of await keysIn(bucket))
    expect(key).toMatch(/^our\/objects\/[0-9a-f]{2}\/[0-9a-f]{62}$/)
  // A single request that is refused is told as such, and the parts are given up.
  const direct = await fetch(`${url}/api/2.0/mlflow-artifacts/presigned/no/such`)
  expect(direct.status).toBe(404)
})

test('clients write into a bucket, and the server lists, reads, registers and describes from there', async () => {
  const bucket = await s3.createBucket()
  const url = await server({ defaultArtifactRoot: `s3://${bucket}/runs` })
  const told = await tell(url, { MODEL: 'yes' })
  expect(told).toMatchObject({
    ...EXPECTED,
    scheme: 's3',
    version: ['1', 'READY'],
    loaded: 'PyFuncModel',
  })
  expect(await seenByServer(url, told.run)).toEqual(SEEN)

  const presigned = async (what: string, path: string) => {
    const answer = await fetch(`${url}/api/2.0/mlflow/artifacts/presigned-${what}-url`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ run_id: told.run, path, expiration: 60 }),
    })
    return ((await answer.json()) as { presigned_url: string }).presigned_url
  }
  const sent = await fetch(await presigned('upload', 'up/p.txt'), {
    method: 'PUT',
    body: 'past it',
  })
  expect(sent.status).toBe(200)
  expect(await (await fetch(await presigned('download', 'up/p.txt'))).text()).toBe('past it')

  // The version keeps its own copy: whoever empties the bucket does not take the model from those who serve it.
  for (const Key of await keysIn(bucket))
    await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
  const file = (path: string) =>
    fetch(`${url}/model-versions/get-artifact?name=flights&version=1&path=${path}`)
  expect(await (await file('MLmodel')).text()).toContain('onnx')
  expect((await file('nothing')).status).toBe(404)
})

test('clients write into a folder that the server reads too, and nothing else on its disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-root-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const url = await server({ defaultArtifactRoot: join(folder, 'shared runs') })
  const told = await tell(url, { MODEL: 'yes' })
  expect(told).toMatchObject({ ...EXPECTED, scheme: '', loaded: 'PyFuncModel' })
  expect(await seenByServer(url, told.run)).toEqual(SEEN)
  expect((await readdir(folder, { recursive: true })).length).toBeGreaterThan(5)

  const secret = await tell(url, { ELSEWHERE: `file://${folder}/elsewhere` })
  const reading = await fetch(`${url}/get-artifact?run_id=${secret.run}&path=large.bin`)
  expect([reading.status, await reading.json()]).toMatchObject([
    501,
    { message: expect.stringContaining('--default-artifact-root') },
  ])
})
