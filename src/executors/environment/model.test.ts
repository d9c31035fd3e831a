import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { modelPythons } from './model.ts'

let folder = ''
let nowMs = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-model-environments-'))
  nowMs = 0
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function pythons() {
  return modelPythons({
    folder: join(folder, 'built'),
    environment: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    lockAt: () => ({ acquire: async () => () => {} }),
    nowMs: () => nowMs,
  })
}

/** The folder of a model with these files. */
function model(name: string, files: Readonly<Record<string, string>>): string {
  const place = join(folder, name)
  mkdirSync(place)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(place, file), text)
  return place
}

const version = execFileSync('python3', [
  '-c',
  'import platform; print(platform.python_version())',
]).toString()

test('a model gets a Python of its own, and models that ask for the same share it', async () => {
  const files = {
    'requirements.txt': '--no-index\n',
    'python_env.yaml': `python: ${version}dependencies:\n- -r requirements.txt\n`,
  }
  const pythonFor = pythons()
  const doing: string[] = []
  const one = await pythonFor(model('one', files), (line) => doing.push(line))
  expect(doing[0]).toMatch(/^installing 0 packages/)
  expect(await pythonFor(model('two', files), () => expect.unreachable())).toBe(one)
  expect(execFileSync(one, ['-c', 'import sys; print(sys.prefix)']).toString()).toContain(folder)
}, 120_000)

test('one that cannot be built says what to do, and is not tried again at once', async () => {
  const place = model('lacking', { 'requirements.txt': '--no-index\nno-such-package==1\n' })
  const pythonFor = pythons()
  const doing: string[] = []
  const refused = {
    code: 'unavailable',
    message: expect.stringMatching(/no-such-package[\s\S]*set modelPython/),
  }
  await expect(pythonFor(place, (line) => doing.push(line))).rejects.toMatchObject(refused)
  expect(doing[0]).toMatch(/^installing 1 packages/)
  await expect(pythonFor(place, () => expect.unreachable())).rejects.toMatchObject(refused)
}, 120_000)

test('what is written for conda is read for its packages of pip', async () => {
  const place = model('conda', {
    'conda.yaml':
      'dependencies:\n- python=3.1\n- pip<=24\n- pip:\n  - mlflow==3.17.2\n  - --no-index\nname: mlflow-env\n',
  })
  await expect(pythons()(place, () => {})).rejects.toThrow(/3\.1\b/)
  await expect(
    pythons()(model('broken', { 'conda.yaml': 'a: [' }), () => {}),
  ).rejects.toMatchObject({
    code: 'invalid',
  })
}, 120_000)
