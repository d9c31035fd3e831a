import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from '../support/server.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin')
const environment = { ...process.env, PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}` }

const root = mkdtempSync(join(tmpdir(), 'orrery-completion-'))
let script = ''

beforeAll(() => {
  const run = (args: string[]) =>
    execFileSync('orrery', args, { cwd: root, env: environment, encoding: 'utf8' })
  script = run(['completion'])
  run(['init', '--no-scm'])
  writeFileSync(
    join(root, 'dvc.yaml'),
    'stages:\n  train: {cmd: touch trained}\n  tell: {cmd: touch told}\n  each: {foreach: [a, b], do: {cmd: "true"}}\n',
  )
  writeFileSync(join(root, 'table.csv'), 'a\n1\n')
  run(['add', 'table.csv'])
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function projectCalled(name: string): string {
  const folder = join(root, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'orrery.yaml'), `project: ${name}\n`)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: folder,
    })
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'begin')
  return folder
}

/** What bash offers when the tabulator is pressed after these words. */
async function offered(words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const call = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ${script}
_orrery_yargs_completions; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', call, 'bash', 'orrery', ...words], {
    cwd: root,
    env: { ...environment, ...variables },
  })
  return stdout.split('\n').filter((line) => line !== '')
}

test('a shell completes commands, flags, stages and data, and runs nothing', async () => {
  expect(await offered(['rep'])).toEqual(['repro', 'replay', 'report'])
  expect(await offered(['repro', '--keep'])).toEqual(['--keep-going'])
  expect(await offered(['repro', 't'])).toEqual(['table.csv', 'table.csv.dvc', 'tell', 'train'])
  expect(await offered(['repro', 'tell', 'ea'])).toEqual(['each', 'each@a', 'each@b'])
  expect(await offered(['dag', 't'])).toEqual(['tell', 'train'])
  expect(await offered(['unprotect', 't'])).toEqual(['table.csv', 'table.csv.dvc'])
  expect(await offered(['metrics', ''])).toEqual(['show', 'diff'])
  expect(existsSync(join(root, 'told'))).toBe(false)
})

test('where no server answers nothing is offered, and nothing is complained of', async () => {
  expect(await offered(['history', 'la'], { ORRERY_URL: 'http://127.0.0.1:9' })).toEqual([])
})

test('names on the server are completed as well', async () => {
  const server = await startTestServer()
  try {
    await fetch(`${server.url}/api/2.0/mlflow/registered-models/create`, {
      method: 'POST',
      body: JSON.stringify({ name: 'late-flights' }),
      headers: { 'content-type': 'application/json' },
    })
    const here = { ORRERY_URL: server.url }
    expect(await offered(['history', 'la'], here)).toEqual(['late-flights'])
    await fetch(`${server.url}/api/v1/projects`, {
      method: 'POST',
      body: JSON.stringify({ origin: projectCalled('shop') }),
      headers: { 'content-type': 'application/json' },
    })
    expect(await offered(['project', 'sh'], here)).toEqual(['show'])
    expect(await offered(['project', 'show', 'sh'], here)).toEqual(['shop'])
  } finally {
    await server.stop()
  }
})
