import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { rangeIn } from '#base/byte-range'
import { freePort, serverCommand, startFamily } from '../support/process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const FILES = '/api/2.0/mlflow-artifacts/artifacts'
const open: TestServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop()
})

async function newServer(settings: Parameters<typeof startTestServer>[0] = {}): Promise<string> {
  const server = await startTestServer({ drainMs: 1000, ...settings })
  open.push(server)
  return server.url
}

async function put(url: string, path: string, body: string, headers: Record<string, string> = {}) {
  return fetch(`${url}${FILES}/${path}`, { method: 'PUT', body, headers })
}

async function problemOf(answer: Response): Promise<string> {
  const { error_code } = (await answer.json()) as { error_code: string }
  return `${answer.status} ${error_code}`
}

test('a file comes back with its digest as its tag, whole or in ranges, or not at all when the copy is still good', async () => {
  const url = await newServer()
  const sent = await put(url, 'a/hello.txt', 'hello artifact')
  const digest = createHash('sha256').update('hello artifact').digest('hex')
  expect(sent.headers.get('etag')).toBe(`"${digest}"`)
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${url}${FILES}/a/hello.txt`, { method, headers })

  const whole = await get()
  expect(whole.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(whole.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''hello.txt")
  expect(await whole.text()).toBe('hello artifact')
  const head = await get({}, 'HEAD')
  expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
    200,
    '14',
    `"${digest}"`,
  ])

  const part = await get({ range: 'bytes=6-8' })
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
    206,
    'bytes 6-8/14',
    'art',
  ])
  expect(await (await get({ range: 'bytes=-4' })).text()).toBe('fact')
  expect(await (await get({ range: 'bytes=6-' })).text()).toBe('artifact')
  const beyond = await get({ range: 'bytes=14-' })
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */14'])
  // A part of other bytes would make a broken file.
  expect((await get({ range: 'bytes=6-8', 'if-range': '"other"' })).status).toBe(200)
  expect((await get({ range: 'bytes=6-8', 'if-range': `"${digest}"` })).status).toBe(206)

  const unchanged = await get({ 'if-none-match': `"${digest}"` })
  expect([unchanged.status, await unchanged.text()]).toEqual([304, ''])
  await put(url, 'a/hello.txt', 'other')
  expect((await get({ 'if-none-match': `"${digest}"` })).status).toBe(200)
})

test.each([
  [undefined, 'whole'],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=5-99', { start: 5, end: 9 }],
  ['bytes=-99', { start: 0, end: 9 }],
  ['bytes=-0', 'beyond'],
  ['bytes=10-', 'beyond'],
  ['bytes=5-4', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['lines=0-1', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=99999999999999999999-', 'whole'],
])('of ten bytes the range %s is %j', (header, range) => {
  expect(rangeIn(header, 10)).toEqual(range)
})

test('bytes that have not the digest which was sent with them are refused, and change nothing', async () => {
  const url = await newServer()
  const digest = createHash('sha256').update('right').digest('base64')
  await put(url, 'a', 'before')
  const wrong = await put(url, 'a', 'wrong', { 'repr-digest': `sha-256=:${digest}:` })
  expect(await problemOf(wrong)).toBe('400 INVALID_PARAMETER_VALUE')
  expect(await (await fetch(`${url}${FILES}/a`)).text()).toBe('before')
  const right = await put(url, 'a', 'right', { 'repr-digest': `sha-256=:${digest}:` })
  expect(right.status).toBe(200)
})

const CLIMBING = [
  '../secret',
  'a/../../secret',
  '%2e%2e/secret',
  '%2e%2e%2fsecret',
  '..%2fsecret',
  '%252e%252e%252fsecret',
  '%25252e%25252e%25252fsecret',
  '..%5csecret',
  '..%255csecret',
  'a%00b',
  '%2fetc%2fpasswd',
  '%252fetc%252fpasswd',
  'file:%2f%2f..%2fsecret',
  'a%2f%2fb',
  '.',
  '%2e',
  '%252e',
  '%2f',
  'C:%2fx',
  'C:%5cx',
  'a%0ab',
]

/** Sends a path as it is written: `fetch` would tidy it up first. */
function raw(url: string, method: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`,
      ),
    )
    let answer = ''
    socket.on('data', (piece: Buffer) => (answer += piece.toString()))
    socket.on('error', reject)
    socket.on('close', () => resolve(Number(answer.split(' ')[1])))
  })
}

test('no path leads out of the tree, in whatever encoding, and deleting the root deletes nothing', async () => {
  const url = await newServer()
  await put(url, 'kept/file', 'kept')
  for (const path of CLIMBING)
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const status = await raw(url, method, `${FILES}/${path}`)
      expect([method, path, status], `${method} ${path}`).toEqual([method, path, 400])
    }
  for (const method of ['PUT', 'DELETE'])
    for (const root of ['', '/']) expect([404, 405]).toContain(await raw(url, method, FILES + root))
  expect(await (await fetch(`${url}${FILES}/kept/file`)).text()).toBe('kept')
  for (const path of CLIMBING.filter((each) => each !== '%2f')) {
    const listed = await fetch(`${url}${FILES}?path=${path}`)
    expect([path, await problemOf(listed)]).toEqual([path, '400 INVALID_PARAMETER_VALUE'])
  }
})

test('an upload that breaks off leaves what was there before', async () => {
  const url = await newServer()
  await put(url, 'a', 'before')
  const { hostname, port } = new URL(url)
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `PUT ${FILES}/a HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-length: 9\r\n\r\nhalf`,
      )
      setTimeout(() => socket.destroy(), 50)
    })
    socket.on('close', () => resolve())
    socket.on('error', reject)
  })
  expect(await (await fetch(`${url}${FILES}/a`)).text()).toBe('before')
})

test('an upload that does not fit is refused at once with what to do, and keeps nothing', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-full-'))
  const port = await freePort()
  // No file may grow beyond 8 MiB, which says the same to the server as a disk without space.
  const limited = ['-c', 'ulimit -f 16384; exec "$0" "$@"', ...serverCommand(home, port).flat()]
  const family = startFamily('sh', limited)
  family.stdout.resume()
  const url = `http://127.0.0.1:${port}`
  try {
    await expect
      .poll(
        () =>
          fetch(`${url}/health`).then(
            (answer) => answer.status,
            () => 0,
          ),
        {
          timeout: 20_000,
        },
      )
      .toBe(200)
    await put(url, 'model', 'before')
    const large = await put(url, 'model', 'x'.repeat(9 << 20))
    expect([large.status, await large.json()]).toMatchObject([
      507,
      {
        error_code: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('there is no space left'),
      },
    ])
    expect(await (await fetch(`${url}${FILES}/model`)).text()).toBe('before')
    expect(await readdir(join(home, 'objects', 'incoming'))).toEqual([])
    expect((await put(url, 'model', 'after')).status).toBe(200)
  } finally {
    await family.end()
    await rm(home, { recursive: true, force: true })
  }
})

test('a page uploads a small file into a run, and a large one is refused', async () => {
  const url = await newServer()
  const runId = await newRun(url, '0')
  const send = (body: string | Buffer, query: string) =>
    fetch(`${url}/ajax-api/2.0/mlflow/upload-artifact?${query}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: { 'content-type': 'application/octet-stream' },
    })
  const sent = await send('note', `run_uuid=${runId}&path=notes/n.txt`)
  expect([sent.status, await sent.json()]).toEqual([200, {}])
  const read = await fetch(`${url}/get-artifact?run_uuid=${runId}&path=notes%2Fn.txt`)
  expect(await read.text()).toBe('note')
  const large = await send(Buffer.alloc(10 * 1024 * 1024 + 1), `run_uuid=${runId}&path=l`)
  expect(await problemOf(large)).toBe('400 INVALID_PARAMETER_VALUE')
  expect((await send('', `run_uuid=${runId}&path=e`)).status).toBe(400)
  expect((await send('x', `run_uuid=${runId}&path=..%252fe`)).status).toBe(400)
})

async function newRun(url: string, experiment: string): Promise<string> {
  const answer = await post(url, 'runs/create', { experiment_id: experiment })
  return (answer as { run: { info: { run_id: string } } }).run.info.run_id
}

async function post(url: string, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return answer.json()
}

describe('with objects on its own disk, a server', () => {
  test('says that it takes no parts, in the words that clients look for', async () => {
    const url = await newServer()
    const info = await fetch(`${url}/api/3.0/mlflow/server-info`)
    expect(await info.json()).toMatchObject({
      multipart_uploads_enabled: false,
      multipart_downloads_enabled: false,
    })
    const api = `${url}/api/2.0/mlflow-artifacts`
    const create = await fetch(`${api}/mpu/create/x`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"path":"big.bin","num_parts":2}',
    })
    expect([create.status, await create.json()]).toMatchObject([
      501,
      {
        error_code: 'NOT_IMPLEMENTED',
        message: expect.stringMatching(
          /^Multipart upload is not supported for the current artifact repository/,
        ),
      },
    ])
    expect(await problemOf(await fetch(`${api}/presigned/x`))).toBe('501 NOT_IMPLEMENTED')
  })

  test('presigns nothing for a run whose files go through it', async () => {
    const url = await newServer()
    const run_id = await newRun(url, '0')
    for (const what of ['upload', 'download'])
      expect(
        await post(url, `artifacts/presigned-${what}-url`, { run_id, path: 'a' }),
      ).toMatchObject({
        error_code: 'INVALID_PARAMETER_VALUE',
        message: expect.stringContaining(`Presigned ${what} is not supported`),
      })
    const both = { run_id, model_id: 'm-1', path: 'a' }
    expect(await post(url, 'artifacts/presigned-upload-url', both)).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
    })
  })
})

test('a server that serves no artifacts refuses them, and sends new experiments to a folder', async () => {
  const url = await newServer({ serveArtifacts: false })
  const answer = await put(url, 'a', 'x')
  expect([answer.status, await answer.json()]).toMatchObject([
    501,
    { message: expect.stringContaining('--no-serve-artifacts') },
  ])
  const experiment = await fetch(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`)
  expect(await experiment.json()).toMatchObject({
    experiment: { artifact_location: `${open[0]?.home}/artifacts/0` },
  })
})
