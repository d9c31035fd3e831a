import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/process.ts'
import { rolloutsAt } from '../support/rollouts.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** As in design and README: idle, before anything is served or trained. */
const IDLE_MEMORY_KB_MAX = 200 * 1024

let folder: string
let installed: string

// What a stranger does: pack, go elsewhere, install, with the machine's own Node and npm and no setting of this project.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-package-'))
  const elsewhere = join(folder, 'elsewhere')
  await mkdir(elsewhere)
  await writeFile(join(elsewhere, 'package.json'), '{ "name": "elsewhere", "version": "1.0.0" }')
  const env = strangersEnvironment()
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root, env })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  await run('npm', ['install', join(folder, tarball ?? 'nothing')], { cwd: elsewhere, env })
  installed = join(elsewhere, 'node_modules')
}, 300_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('the installed package starts as one small process, answers, and stops at SIGTERM with code 0', async () => {
  const server = start(join(installed, '.bin', 'orrery'), folder)
  const { url, pid } = await announced(server)
  expect(pid).toBe(server.pid)
  const reply = await fetch(`${url}/health`)
  expect(reply.status).toBe(200)
  if (process.platform === 'linux') expect(residentKb(pid)).toBeLessThan(IDLE_MEMORY_KB_MAX)
  server.kill('SIGTERM')
  expect(await once(server, 'exit')).toEqual([0, null])
})

test('the installed package brings the page', async () => {
  const server = start(join(installed, '.bin', 'orrery'), folder)
  const { url } = await announced(server)
  const page = await fetch(url, { headers: { accept: 'text/html' } })
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(await page.text()).toContain('<title>Orrery</title>')
  server.kill('SIGTERM')
  await once(server, 'exit')
})

test('the installed package loads its model runtime without any install script having run', () => {
  const main = join(installed, 'orrery', 'dist', 'cli', 'main.js')
  const runtime = createRequire(main)('onnxruntime-node') as { listSupportedBackends(): unknown[] }
  expect(runtime.listSupportedBackends()).not.toEqual([])
  expect(existsSync(join(installed, 'onnxruntime-node'))).toBe(false)
})

test('an image that the installed package makes of a model answers', async () => {
  const server = start(join(installed, '.bin', 'orrery'), folder)
  const { url } = await announced(server)
  const person = rolloutsAt(() => url)
  await person.createModel()
  await person.register('loop.onnx')
  const image = join(folder, 'image')
  const command = join(installed, '.bin', 'orrery')
  const env = strangersEnvironment()
  await run(command, ['package', 'loops:1', '--output', image, '--url', url], { env })
  server.kill('SIGTERM')
  await once(server, 'exit')
  await run('umoci', ['unpack', '--image', `${image}:latest`, join(folder, 'bundle')])
  const container = await startUnpacked(join(folder, 'bundle'))
  try {
    const answer = await fetch(`${container.url}/endpoints/loops/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs":{"rounds":[5]}}',
    })
    expect(await answer.json()).toEqual({ predictions: [{ counts: 5 }] })
  } finally {
    container.process.kill('SIGTERM')
    await once(container.process, 'exit')
  }
}, 60_000)

test('the command works from any folder and through a link to it', async () => {
  const link = join(folder, 'orrery-link')
  await symlink(join(root, 'bin', 'orrery'), link)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  for (const command of [link, join(installed, '.bin', 'orrery')]) {
    const { stdout } = await run(command, ['--version'], {
      cwd: folder,
      env: strangersEnvironment(),
    })
    expect(stdout.trim()).toBe(version)
  }
})

test('a machine without any Node is told what to install', async () => {
  const tools = join(folder, 'tools')
  await mkdir(tools)
  for (const tool of ['sh', 'dirname', 'readlink'])
    await symlink((await run('which', [tool])).stdout.trim(), join(tools, tool))
  // A copy of the command alone: no packages beside it that could bring a Node.
  const lonely = join(folder, 'lonely', 'bin')
  await mkdir(lonely, { recursive: true })
  await run('cp', [join(root, 'bin', 'orrery'), lonely])
  const attempt = run(join(lonely, 'orrery'), ['--version'], { env: { PATH: tools } })
  await expect(attempt).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Node 22.18 or newer is needed') as string,
  })
})

/** The environment without what npm and this project put into it, so that the oldest Node at hand is the one in use. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  // Which certificates a machine trusts is its own, and its registry may need them.
  const ours = /^(npm_|NODE_(?!EXTRA_CA_CERTS)|VITEST)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  const path = (process.env['PATH'] ?? '').split(delimiter)
  const own = join(root, 'node_modules')
  return {
    ...Object.fromEntries(kept),
    PATH: path.filter((each) => !each.startsWith(own)).join(delimiter),
  }
}

function start(command: string, parent: string): ChildProcess {
  const home = join(parent, 'home')
  return spawn(command, ['up', '--port', '0', '--home', home, '--json', '--log-level', 'warn'], {
    cwd: parent,
    env: strangersEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Runs what a container would, by the Node and from the folder of its image. */
async function startUnpacked(bundle: string): Promise<{ url: string; process: ChildProcess }> {
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
    process: { args: string[] }
  }
  const image = join(bundle, 'rootfs')
  const [program = '', flag = '', main = '', ...args] = config.process.args
  const port = await freePort()
  const started = spawn(join(image, program), [flag, join(image, main), ...args], {
    env: { ORRERY_MODELS: join(image, 'models'), ORRERY_GRPC_PORT: '0', PORT: `${port}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(async () => (await fetch(`${url}/ping`).catch(() => undefined))?.status, {
      timeout: 20_000,
    })
    .toBe(200)
  return { url, process: started }
}

async function announced(server: ChildProcess): Promise<{ url: string; pid: number }> {
  for await (const line of createInterface({ input: server.stdout! })) {
    const said = JSON.parse(line) as { url?: string; pid?: number }
    if (said.url !== undefined && said.pid !== undefined) return { url: said.url, pid: said.pid }
  }
  throw new Error('the server ended before it said where it is')
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
