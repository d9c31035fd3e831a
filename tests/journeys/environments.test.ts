import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import { httpRecorder } from '#app/pipelines/recorder'
import { pythonBin } from '../support/python.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { MAIN } from '../support/orrery.ts'

let top = ''
let root = ''
let server: TestServer

/** A package that needs no index: what it says is its version. */
const WHEEL = `
import sys, zipfile
for version in sys.argv[1:]:
    info = f'tiny-{version}.dist-info'
    with zipfile.ZipFile(f'tiny-{version}-py3-none-any.whl', 'w') as whl:
        whl.writestr('tiny.py', f'version = {version!r}')
        whl.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: tiny\\nVersion: {version}\\n')
        whl.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        whl.writestr(f'{info}/RECORD', '')
`

const PROJECT = `project: shelf
environment: { requirements: requirements.txt }
environments:
  newer: { requirements: newer.txt }
  boxed: { image: 'localhost/orrery-tiny:1' }
  lost: { image: 'localhost/nobody-made-this:1' }
`

/** Podman with settings that let it run inside other containers. */
const CONTAINERS = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
events_logger = "file"
cgroup_manager = "cgroupfs"
`

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'orrery-environments-'))
  root = join(top, 'project')
  mkdirSync(root)
  execFileSync('python3', ['-c', WHEEL, '1.5', '2.0'], { cwd: root })
  writeFileSync(join(root, 'requirements.txt'), `--no-index\n${join(root, wheelOf('1.5'))}\n`)
  writeFileSync(join(root, 'newer.txt'), `--no-index\n${join(root, wheelOf('2.0'))}\n`)
  writeFileSync(join(root, 'orrery.yaml'), PROJECT)
  writeFileSync(join(top, 'containers.conf'), CONTAINERS)
  const storage = `[storage]\ndriver = "vfs"\nrunroot = "${top}/run"\ngraphroot = "${top}/images"\n`
  writeFileSync(join(top, 'storage.conf'), storage)
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  await initProject(root, { noScm: false })
  server = await startTestServer()
})

afterAll(async () => {
  await server.stop()
  rmSync(top, { recursive: true, force: true })
})

const wheelOf = (version: string) => `tiny-${version}-py3-none-any.whl`

function variables(folder: string): Record<string, string | undefined> {
  return {
    ...process.env,
    // Its uv; the Python is the machine's.
    PATH: `${process.env['PATH']}${delimiter}${pythonBin()}${delimiter}/usr/sbin`,
    SHELL: '/bin/sh',
    ORRERY_ENVIRONMENTS: join(top, folder),
    CONTAINERS_CONF: join(top, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(top, 'storage.conf'),
  }
}

function orrery(folder: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'environment', ...args], {
    cwd: root,
    env: variables(folder),
  })
  const said = { out: '', errors: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString()))
  const end = new Promise<typeof said & { code: number | null }>((resolve) =>
    child.on('close', (code) => resolve({ ...said, code })),
  )
  return { child, said, end }
}

async function answered(folder: string, ...args: string[]): Promise<unknown> {
  const { code, out, errors } = await orrery(folder, ...args, '--json').end
  if (code !== 0) throw new Error(errors)
  return JSON.parse(out)
}

test('two commands at once build one environment, and both tell the same of it', async () => {
  const both = [orrery('shared', 'build'), orrery('shared')]
  const [one, other] = await Promise.all(both.map(({ end }) => end))
  expect([one?.code, other?.code]).toEqual([0, 0])
  expect(one?.out).toBe(other?.out)
  expect(`${one?.errors}${other?.errors}`.match(/^building the/gm)).toHaveLength(1)
  const shown = { name: 'default', built: true, packages: 1 }
  const lock: unknown = expect.stringContaining('tiny')
  expect(await answered('shared', 'show')).toMatchObject({ environment: { ...shown, lock } })
  const { environments } = (await answered('shared', 'list', '--limit', '2')) as {
    environments: object[]
  }
  expect(environments).toMatchObject([shown, { name: 'newer', built: false }])
})

test('a builder that is killed leaves nothing that is taken for an environment', async () => {
  const { child, said, end } = orrery('killed', 'newer')
  while (!said.errors.includes('building')) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGKILL')
  await end
  const records = readdirSync(join(top, 'killed')).filter((name) =>
    existsSync(join(top, 'killed', name, 'orrery-environment.json')),
  )
  expect(records).toEqual([])
  expect(await answered('killed', 'newer')).toMatchObject({
    environment: { name: 'newer', lock: expect.stringContaining('tiny') },
  })
})

test('what is not there is told with what to do', async () => {
  const none = await orrery('shared', 'nobody').end
  expect(none.errors).toMatch(/no environment nobody.*it has newer, boxed, lost/)
  const two = await orrery('shared', 'lsit', 'newer').end
  expect(two.errors).toMatch(/lsit is no action: there are list, show, build and prune/)
  const lost = await orrery('shared', 'lost', '--offline').end
  expect(lost.errors).toMatch(/nobody-made-this:1 is not on this machine.*podman pull/)
  expect([none.code, two.code, lost.code].every((code) => code !== 0)).toBe(true)
})

async function reproduced(dvcYaml: string, signal?: AbortSignal) {
  writeFileSync(join(root, 'dvc.yaml'), dvcYaml)
  const { pipelines } = openWorkspace(root, {
    variables: variables('shared'),
    environments: join(top, 'shared'),
  })
  const recorder = httpRecorder(server.url, { clock: systemClock, ids: randomIds })
  return pipelines.repro({ targets: [], recorder, ...(signal === undefined ? {} : { signal }) })
}

const SAY = `python -c "import tiny; print(tiny.version)"`

test('each stage runs in the environment that it names, and its run says in which', async () => {
  const { steps } = await reproduced(`stages:
  own: {cmd: ${JSON.stringify(`${SAY} > own`)}, outs: [own]}
  newer: {cmd: ${JSON.stringify(`${SAY} > newer`)}, outs: [newer], meta: {environment: newer}}
  none: {cmd: 'true', meta: {environment: nobody}}
`)
  expect(steps.map(({ failure }) => failure)).toEqual([
    null,
    null,
    expect.stringMatching(/no environment nobody/),
  ])
  expect(['own', 'newer'].map((file) => readFileSync(join(root, file), 'utf8').trim())).toEqual([
    '1.5',
    '2.0',
  ])
  const response = await fetch(
    `${server.url}/api/2.0/mlflow/runs/get?run_id=${steps[1]?.runId ?? ''}`,
  )
  const { run } = (await response.json()) as {
    run: { data: { tags: { key: string; value: string }[] } }
  }
  const told = run.data.tags.find(({ key }) => key === 'orrery.environment_record')?.value
  expect(JSON.parse(told ?? '{}')).toMatchObject({
    name: 'newer',
    kind: 'requirements',
    python: expect.stringMatching(/^3\./),
    os: expect.stringContaining('Linux'),
    cpus: expect.any(Number),
    packages: 1,
  })
})

function librariesOf(program: string): string[] {
  const text = execFileSync('ldd', [program]).toString()
  return [...text.matchAll(/(\/\S+) \(/g)].map((match) => match[1] ?? '')
}

/** A shell, two programs and what they need, as an image: no hub is asked. */
function makeImage(): void {
  const programs = ['/bin/sh', '/bin/cat', '/bin/sleep']
  const files = [...programs, ...programs.flatMap(librariesOf)]
  const place = join(top, 'image.tar')
  execFileSync('tar', ['--dereference', '-cf', place, ...new Set(files)], { stdio: 'pipe' })
  const env = variables('shared')
  execFileSync('podman', ['import', place, 'localhost/orrery-tiny:1'], { env, stdio: 'pipe' })
}

test('a stage may run in a container, sees the project at its own path, and ends when it must', async () => {
  makeImage()
  const stage = (cmd: string, more = '') =>
    `stages:\n  in: {cmd: ${JSON.stringify(cmd)}, deps: [newer.txt], outs: [boxed], meta: {environment: boxed${more}}}\n`
  const inside = `cat newer.txt > boxed; echo "$DVC_STAGE $TZ $PWD $MLFLOW_RUN_ID" >> boxed; test ! -e /usr/bin/env`
  const { steps, outcome } = await reproduced(stage(inside))
  expect([outcome, steps.at(-1)?.failure]).toEqual(['succeeded', null])
  expect(readFileSync(join(root, 'boxed'), 'utf8')).toBe(
    `${readFileSync(join(root, 'newer.txt'), 'utf8')}in UTC ${root} ${steps.at(-1)?.runId}\n`,
  )
  const failed = await reproduced(stage('exit 7'))
  expect(failed.steps.at(-1)?.failure).toBe('`exit 7` ended with exit code 7')
  const late = await reproduced(stage('sleep 4321', ', timeout: 3s'))
  expect(late.steps.at(-1)?.failure).toMatch(/^`sleep 4321` was ended after 3 s/)
  const left = readdirSync('/proc').filter((pid) => commandOf(pid).includes('sleep\x004321'))
  expect(left).toEqual([])
})

function commandOf(pid: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : ''
  } catch {
    return ''
  }
}
