import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProjectLock } from '#data'
import { environmentBuilder, type EnvironmentOptions, type EnvironmentSpec } from './index.ts'

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

const surroundings = { PATH: process.env['PATH'], HOME: process.env['HOME'] }

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

  test('without requirements is whatever the machine has', async () => {
    expect(await environments(undefined).prepare(() => {})).toEqual({ variables: {}, record: null })
  })
})
