import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { runCommand } from '../support/command.ts'
import { filesOfModel, FLIGHTS, writeModel } from '../support/models.ts'
import { freePort } from '../support/process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { MAIN } from '../support/orrery.ts'

const run = promisify(execFile)
const MLFLOW = '/api/2.0/mlflow'
const ROW = JSON.stringify({
  dataframe_split: { columns: ['carrier', 'hour', 'distance'], data: [['AA', 9, 500]] },
})
/** What the model says to that row. */
const SAID = {
  predictions: [{ label: 0, probabilities: [expect.closeTo(0.97, 2), expect.any(Number)] }],
}

let server: TestServer
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-packaging-'))
  server = await startTestServer()
  await register(server.url, 'Flights_late')
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a version becomes an image that a registry keeps, that comes back whole and that answers as nobody on a read-only disk', async () => {
  const registry = await startRegistry()
  const name = `127.0.0.1:${registry.port}/team/flights:v1`
  try {
    const first = await packaged([
      'Flights_late:1',
      '--output',
      join(folder, 'image'),
      '--push',
      name,
    ])
    expect(first).toMatchObject({
      pushed: { reference: name },
      layers: [{}, {}, { comment: 'Flights_late 1' }],
    })
    // From an alias, into the registry alone: it is the same image, and there already.
    const again = await packaged(['Flights_late@champion', '--push', name])
    expect(again).toMatchObject({ digest: first.digest, output: null, pushed: { pushedBytes: 0 } })
    await run('skopeo', [
      'copy',
      '--src-tls-verify=false',
      `docker://${name}`,
      `oci:${join(folder, 'back')}:v1`,
    ])
  } finally {
    registry.child.kill()
  }
  const bundle = join(folder, 'bundle')
  await run('umoci', ['unpack', '--image', `${join(folder, 'back')}:v1`, bundle])
  const container = await startContainer(bundle)
  try {
    const status = await readFile(`/proc/${container.pid}/status`, 'utf8')
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe('65532')
    expect(await answered(`${container.url}/v2/models/Flights_late`)).toMatchObject({
      versions: ['1'],
      inputs: [{ name: 'carrier', datatype: 'BYTES' }, {}, {}],
    })
    expect(await answered(`${container.url}/endpoints/Flights_late/invocations`, ROW)).toEqual(SAID)
    // SageMaker's contract: at the root, on the port that it names, by a container that is told "serve".
    expect((await fetch(`${container.url}/ping`)).status).toBe(200)
    expect(await answered(`${container.url}/invocations`, ROW)).toEqual(SAID)
    // KServe's first version, explanations included.
    expect(await answered(`${container.url}/v1/models/Flights_late`)).toMatchObject({ ready: true })
    const instances = [{ carrier: 'AA', hour: 9, distance: 500 }]
    const explained = await fetch(`${container.url}/v1/models/Flights_late:explain`, {
      method: 'POST',
      body: JSON.stringify({ instances }),
    })
    // The model was logged without an example of what is usual.
    expect(await explained.text()).toContain('input_example')
  } finally {
    expect(await container.stop()).toBe(0)
  }
}, 120_000)

test('what a cluster is told names the image, runs it as nobody, and asks whether it is ready', async () => {
  for (const [kind, kinds] of [
    ['kubernetes', ['Deployment', 'Service']],
    ['kserve', ['InferenceService']],
  ] as const) {
    const { code, out } = await runCommand(folder, [
      'package',
      'Flights_late:1',
      '--url',
      server.url,
      '--print',
      kind,
      '--image',
      'registry.example/flights:1',
    ])
    expect(code).toBe(0)
    const documents = parseAllDocuments(out).map((each) => each.toJS() as Manifest)
    expect(documents.map((each) => each.kind)).toEqual(kinds)
    expect(documents.map(({ metadata }) => metadata.name)).toEqual(kinds.map(() => 'flights-late'))
    expect(out).toContain('image: registry.example/flights:1')
    expect(out).toContain('runAsNonRoot: true')
    expect(out).not.toMatch(/[&*]a1/)
    expect(out.match(/containerPort: \d+/g)).toEqual(
      kind === 'kserve' ? ['containerPort: 8080'] : ['containerPort: 8080', 'containerPort: 8081'],
    )
  }
})

test.each([
  [['Flights_late:1'], 'say what becomes of the image'],
  [['Flights_late:7', '--output', 'x'], 'version=7'],
  [['nothing@champion', '--output', 'x'], 'nothing'],
  [['Flights_late@nobody', '--output', 'x'], 'it has champion'],
  [['Flights_late:1', '--push', 'flights'], 'registry[:port]/name:tag'],
  [['Flights_late:1', '--push', '127.0.0.1:1/flights:1'], 'cannot be reached'],
  [['Flights_late:1', '--output', '.'], 'is there already'],
  [['Flights_late:1', '--print', 'kserve'], '--image'],
])('a package that cannot be made says why and leaves nothing: %j', async (args, words) => {
  const { code, err } = await runCommand(folder, ['package', ...args, '--url', server.url])
  expect([code, err]).toEqual([2, expect.stringContaining(words)])
  await expect(stat(join(folder, 'x'))).rejects.toThrow('ENOENT')
  await expect(stat(join(folder, 'x.unfinished'))).rejects.toThrow('ENOENT')
})

test('a folder that mlflow has saved is served without a server', async () => {
  await writeModel(FLIGHTS, join(folder, 'late'))
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [MAIN, 'serve', join(folder, 'late'), '--port', String(port)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    const [line] = (await once(child.stdout)) as [Buffer]
    expect(line.toString()).toBe(`late at http://127.0.0.1:${port}\n`)
    expect(await answered(`http://127.0.0.1:${port}/invocations`, ROW)).toEqual(SAID)
  } finally {
    child.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
})

test('what cannot be served without a server says why', async () => {
  await writeFile(join(folder, 'bad.onnx'), 'no model')
  for (const [path, words] of [
    ['nowhere', 'there is no model at nowhere'],
    ['.', 'holds no MLmodel file'],
    ['bad.onnx', 'bad'],
  ] as const) {
    const { code, err } = await runCommand(folder, ['serve', path, '--port', '0'])
    expect([code, err]).toEqual([2, expect.stringContaining(words)])
  }
})

interface Manifest {
  kind: string
  metadata: { name: string }
}

interface Shown {
  digest: string
}

async function packaged(args: readonly string[]): Promise<Shown> {
  const { code, out, err } = await runCommand(folder, [
    'package',
    ...args,
    '--url',
    server.url,
    '--json',
  ])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as Shown
}

async function answered(url: string, body?: string): Promise<unknown> {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })
  expect([url, answer.status]).toEqual([url, 200])
  return answer.json()
}

async function register(url: string, name: string): Promise<void> {
  const ask = async (method: string, path: string, body: object | Buffer) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
      },
      body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
    })
    expect([path, answer.status]).toEqual([path, 200])
    return answer
  }
  const made = await ask('POST', `${MLFLOW}/runs/create`, { experiment_id: '0' })
  const { run: begun } = (await made.json()) as {
    run: { info: { artifact_uri: string; run_id: string } }
  }
  const source = `${begun.info.artifact_uri}/model`
  const place = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [file, bytes] of await filesOfModel(FLIGHTS))
    await ask('PUT', `/api/2.0/mlflow-artifacts/artifacts/${place}/${file}`, bytes)
  await ask('POST', `${MLFLOW}/registered-models/create`, { name })
  await ask('POST', `${MLFLOW}/model-versions/create`, { name, source, run_id: begun.info.run_id })
  await ask('POST', `${MLFLOW}/registered-models/alias`, { name, alias: 'champion', version: '1' })
}

async function startRegistry(): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort()
  const file = join(folder, 'registry.yml')
  await writeFile(
    file,
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${join(folder, 'registry')} } }\nhttp: { addr: "127.0.0.1:${port}" }\n`,
  )
  const child = spawn('docker-registry', ['serve', file], { stdio: 'ignore' })
  await until(async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok)
  return { child, port }
}

/** Runs the unpacked image by runc, in this machine's network so that it can be asked. */
async function startContainer(bundle: string) {
  const file = join(bundle, 'config.json')
  const config = JSON.parse(await readFile(file, 'utf8'))
  const port = await freePort()
  config.process.terminal = false
  config.process.env.push(`SAGEMAKER_BIND_TO_PORT=${port}`)
  config.root.readonly = true
  config.linux.namespaces = config.linux.namespaces.filter(
    ({ type }: { type: string }) => type !== 'network',
  )
  await writeFile(file, JSON.stringify(config))
  const id = `orrery-test-${process.pid}`
  const state = join(folder, 'runc')
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }
  const child = spawn('runc', ['--root', state, 'run', '--bundle', bundle, id], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${url}/v2/health/ready`)).ok)
  const { stdout } = await run('runc', ['--root', state, 'state', id], { env })
  return {
    url,
    pid: (JSON.parse(stdout) as { pid: number }).pid,
    stop: async () => {
      await run('runc', ['--root', state, 'kill', id, 'TERM'], { env })
      return ended
    },
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo().catch(() => false)) return
    await sleep(100)
  }
  throw new Error('it did not come up')
}

function once(stream: NodeJS.ReadableStream | null): Promise<unknown[]> {
  return new Promise((resolve) => stream?.once('data', (...args: unknown[]) => resolve(args)))
}
