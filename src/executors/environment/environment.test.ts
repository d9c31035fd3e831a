import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProjectLock } from '#data'
import { pythonBin } from '../../../tests/support/python.ts'
import {
  builtIn,
  environmentBuilder,
  prune,
  specIn,
  type EnvironmentOptions,
  type EnvironmentSpec,
} from './index.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-environments-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A package that needs no index: what it says is its version. */
function wheel(version: string): string {
  const file = join(folder, `tiny-${version}-py3-none-any.whl`)
  const script = `
import sys, zipfile
path, version = sys.argv[1:]
info = f'tiny-{version}.dist-info'
with zipfile.ZipFile(path, 'w') as whl:
    whl.writestr('tiny.py', f'version = {version!r}')
    whl.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: tiny\\nVersion: {version}\\n')
    whl.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    whl.writestr(f'{info}/RECORD', '')
`
  execFileSync('python3', ['-c', script, file, version])
  return file
}

/** One after the other within this process, which is all that a test needs. */
const turns: ProjectLock = (() => {
  let last: Promise<void> = Promise.resolve()
  return {
    acquire: async () => {
      const before = last
      let done = () => {}
      last = new Promise((resolve) => {
        done = resolve
      })
      await before
      return done
    },
  }
})()

/** With uv; its Python is the machine's. */
const surroundings = {
  PATH: `${process.env['PATH']}${delimiter}${pythonBin()}`,
  HOME: process.env['HOME'],
}

function built(spec: EnvironmentSpec, more: Partial<EnvironmentOptions> = {}) {
  return environmentBuilder({
    spec,
    folder: join(folder, 'built'),
    environment: surroundings,
    lockAt: () => turns,
    nowMs: () => Date.now(),
    ...more,
  })
}

function environments(text: string | undefined, python?: string) {
  const file = join(folder, 'requirements.txt')
  if (text !== undefined) writeFileSync(file, text)
  return built({
    python,
    source: text === undefined ? undefined : { kind: 'requirements', file, text, folder },
  })
}

const builtFolders = () =>
  readdirSync(join(folder, 'built')).filter((name) => /^[0-9a-f]{64}$/.test(name))

describe('the environment of a project', () => {
  test('is built once for the same requirements, whoever asks, and recorded with what is in it', async () => {
    const text = `--no-index\n${wheel('1.5')}\n`
    const said: string[] = []
    const hear = (line: string) => said.push(line)
    const [one, other] = await Promise.all([
      environments(text).prepare(hear),
      environments(text).prepare(hear),
    ])
    expect(said.filter((line) => line.startsWith('building'))).toHaveLength(1)
    expect(one).toEqual(other)
    expect(one.record).toMatchObject({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      lock: expect.stringContaining('tiny'),
    })
    const printed = execFileSync('python', ['-c', 'import tiny; print(tiny.version)'], {
      env: one.variables,
    })
    expect(printed.toString()).toBe('1.5\n')
    await environments(text).prepare(() => expect.unreachable('it is there already'))
    const newer = await environments(`--no-index\n${wheel('2.0')}\n`).prepare(() => {})
    expect(newer.record?.digest).not.toBe(one.record?.digest)
  }, 180_000)

  test('that cannot be built leaves nothing behind, and says what the installer said', async () => {
    await expect(
      environments('--no-index\nno-such-package==1\n').prepare(() => {}),
    ).rejects.toThrow(/could not be built[\s\S]*no-such-package/)
    expect(builtFolders()).toEqual([])
    await expect(environments('--no-index\n', '2.4').prepare(() => {})).rejects.toThrow(
      /no Python 2\.4|could not be built/,
    )
  }, 180_000)

  test('of which a killed builder left a part is built again', async () => {
    const text = '--no-index\n'
    const { record } = await environments(text).prepare(() => {})
    const [name = ''] = builtFolders()
    rmSync(join(folder, 'built', name), { recursive: true })
    mkdirSync(join(folder, 'built', name, 'bin'), { recursive: true })
    expect((await environments(text).prepare(() => {})).record).toEqual(record)
  }, 180_000)

  test('with pip is built again from what was kept, without an index', async () => {
    const pip = { environment: { ...surroundings, PATH: process.env['PATH'] } }
    const file = join(folder, 'requirements.txt')
    const text = `--no-index\n${wheel('1.5')}\n`
    writeFileSync(file, text)
    const spec = {
      python: undefined,
      source: { kind: 'requirements', file, text, folder },
    } as const
    const offline = { ...pip, offline: true }
    await expect(built(spec, offline).prepare(() => {})).rejects.toThrow(/never installed on this/)
    const { record } = await built(spec, pip).prepare(() => {})
    for (const name of builtFolders()) rmSync(join(folder, 'built', name), { recursive: true })
    rmSync(join(folder, 'tiny-1.5-py3-none-any.whl'))
    expect((await built(spec, offline).prepare(() => {})).record).toEqual(record)
  }, 180_000)

  test('without requirements is whatever the machine has', async () => {
    expect(await environments(undefined).prepare(() => {})).toEqual({ variables: {}, record: null })
  })
})

/** An index that is a folder. */
function index(...versions: string[]): Record<string, string> {
  for (const version of versions) wheel(version)
  return { UV_NO_INDEX: '1', UV_FIND_LINKS: folder }
}

const PROJECT = `[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.10"
dependencies = ["tiny"]
[project.optional-dependencies]
same = ["tiny<9"]
[dependency-groups]
dev = [{ include-group = "base" }]
base = ["tiny>=1"]
`

describe('a project of uv', () => {
  test('is built from its lock, and again with nothing but what is on the machine', async () => {
    const environment = surroundings
    index('1.0')
    const offIndex = '[tool.uv]\nno-index = true\nfind-links = ["."]\n'
    const text = `${PROJECT}[build-system]\nrequires = []\n${offIndex}`
    writeFileSync(join(folder, 'pyproject.toml'), text)
    mkdirSync(join(folder, 'src'))
    execFileSync('uv', ['lock', '-q'], { cwd: folder, env: environment, stdio: 'pipe' })
    index('2.0')
    const spec = () => specIn(folder, { uv_lock: 'uv.lock', groups: ['dev'] })
    const one = await built(spec(), { environment, name: 'torch' }).prepare(() => {})
    expect(one.record).toMatchObject({ lock: 'tiny==1.0\n', kind: 'uv-lock', name: 'torch' })
    // Its own modules are not in it: all checkouts share it.
    expect(one.variables['PYTHONPATH']).toBe(join(folder, 'src'))
    for (const name of builtFolders()) rmSync(join(folder, 'built', name), { recursive: true })
    const again = await built(spec(), { environment, name: 'torch', offline: true }).prepare(
      () => {},
    )
    expect(again).toEqual(one)
  }, 180_000)

  test('without a lock is resolved once: what is published later changes nothing', async () => {
    const environment = { ...surroundings, ...index('1.0') }
    writeFileSync(join(folder, 'pyproject.toml'), PROJECT)
    const spec = specIn(folder, { pyproject: 'pyproject.toml', extras: ['same'], groups: ['dev'] })
    expect(spec.source).toMatchObject({ requirements: ['tiny', 'tiny<9', 'tiny>=1'] })
    const { record } = await built(spec, { environment }).prepare(() => {})
    expect(record?.lock).toBe('tiny==1.0\n')
    index('2.0')
    for (const name of builtFolders()) rmSync(join(folder, 'built', name), { recursive: true })
    expect((await built(spec, { environment }).prepare(() => {})).record).toEqual(record)
  }, 180_000)

  test('into which somebody installed is built anew, and what nobody uses is pruned', async () => {
    const text = `--no-index\n${wheel('1.5')}\n`
    const { record } = await environments(text).prepare(() => {})
    const [key = ''] = builtFolders()
    const python = join(folder, 'built', key, 'bin', 'python')
    execFileSync('uv', ['pip', 'install', '-q', '--python', python, wheel('3.0')], {
      env: surroundings,
      stdio: 'pipe',
    })
    const said: string[] = []
    const { record: anew } = await environments(text).prepare((line) => said.push(line))
    expect(said[0]).toMatch(/was changed after it was built/)
    expect(anew).toEqual(record)

    const place = join(folder, 'built')
    const how = { unusedSinceMs: Date.now() + 1000, lockAt: () => turns }
    expect(await prune(place, { ...how, unusedSinceMs: 0, remove: true })).toEqual([])
    expect(await prune(place, { ...how, remove: false })).toMatchObject([{ key, kept: null }])
    const running = spawn(python, ['-c', 'import time; time.sleep(60)'])
    await new Promise((resolve) => running.once('spawn', resolve))
    expect(await prune(place, { ...how, remove: true })).toMatchObject([
      { kept: 'a process runs in it' },
    ])
    const over = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await over
    expect(builtIn(place)).toMatchObject([{ key, python: expect.stringMatching(/^3\./) }])
    await prune(place, { ...how, remove: true })
    expect([builtIn(place), builtFolders()]).toEqual([[], []])
  }, 180_000)

  test.each([
    [{ uv_lock: 'uv.lock' }, /uv\.lock.*does not exist/],
    [{ pyproject: 'pyproject.toml', extras: ['none'] }, /no extra none; it has same/],
    [{ pyproject: 'pyproject.toml', groups: ['loop'] }, /loop includes itself/],
    [{ requirements: 'none.txt' }, /none\.txt.*does not exist/],
  ])('declared as %j is refused with what to do', (declared, why) => {
    const loop = 'loop = [{ include-group = "loop" }]\n'
    writeFileSync(join(folder, 'pyproject.toml'), PROJECT + loop)
    expect(() => specIn(folder, declared)).toThrow(why)
  })
})
