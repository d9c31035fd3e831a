import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { pythonBin } from '../../support/python.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

// Versions that a stage has made are compared on what the stage was trained on, without being told where that is.

const PYTHON = join(pythonBin(), 'python')
const ROWS = 6000

const PIPELINE = `stages:
  train:
    cmd: '"${PYTHON}" train_to_convert.py'
    deps: [numbers.csv, ids.csv, train_to_convert.py]
    outs: [trained.txt]
`

let folder: string
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-convert-trained-'))
  server = await startTestServer({ modelPython: PYTHON, modelMemoryBytesMax: 3 * 1024 ** 3 })
  await writeProject()
  const steps = [['add', 'numbers.csv', 'ids.csv'], ['push'], ['repro', '--url', server.url]]
  for (const args of steps.slice(0, 2)) await run(args)
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  await send('/api/v1/projects', { origin: folder })
  for (const args of steps.slice(2)) await run(args)
}, 240_000)
afterAll(async () => {
  await server.stop()
  for (const each of [folder, storeOf(folder)]) await rm(each, { recursive: true, force: true })
})

test('a version without an input example is compared on rows of its training data', async () => {
  expect(await outcomeOf('blind')).toBe('blind/2')
  expect(await tagsOf('blind', 2)).toMatchObject({
    converted_rows: '5000',
    converted_on: `5000 of ${ROWS} of numbers.csv; 1000 rows of numbers.csv have gaps that the model refuses`,
  })
})

test('answers that agree on the input example and not on the training data are refused, with where', async () => {
  expect(await outcomeOf('lucky')).toMatch(
    new RegExp(
      `^lucky/1 is not converted: \\d+ of ${ROWS + 5} rows are answered otherwise, by up to .*; in row \\d+ of ids.csv label is [01] by the model and [01] by ONNX$`,
    ),
  )
})

test('the command does the same by default, and says which rows of what were compared', async () => {
  const command = ['convert', 'gaps/1', '--url', server.url, '--python', PYTHON, '--dry-run']
  const { code, out, err } = await runCommand(folder, command)
  expect({ code, err }).toMatchObject({ code: 0 })
  expect(out).toContain(
    `gaps/1 can be converted: 5003 rows compared (3 of the input example, 5000 of ${ROWS} of numbers.csv; 1000 rows of numbers.csv have gaps that the model refuses), the largest`,
  )
  const few = await runCommand(folder, [...command, '--rows', '60', '--json'])
  expect(JSON.parse(few.out)).toMatchObject({
    converted: true,
    compared: [
      { of: 'the input example', rows: 3, all: 3 },
      { of: 'numbers.csv', all: ROWS },
    ],
  })
  const refused = await runCommand(folder, command.with(1, 'lucky/1'))
  expect(refused.code).not.toBe(0)
  expect(refused.err).toMatch(/of +row +output +model +onnx\nids\.csv +\d+ +label +[01] +[01]\n/)
})

test('a model that wants more memory than it may take is refused, and the server is unharmed', async () => {
  expect(await outcomeOf('bomb')).toBe(
    'it needs more memory than the 3072 MiB that its process may take; raise modelMemoryBytesMax',
  )
})

function storeOf(project: string): string {
  return `${project}-store`
}

async function writeProject(): Promise<void> {
  const script = 'train_to_convert.py'
  await copyFile(join(import.meta.dirname, 'scripts', script), join(folder, script))
  execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: folder })
  await run(['init'])
  await run(['remote', 'add', '--default', 'store', storeOf(folder)])
  const numbers = Array.from({ length: ROWS }, (_, row) =>
    [Math.sin(row), row % 6 === 0 ? '' : Math.cos(row * 3), row].join(','),
  )
  await writeFile(join(folder, 'numbers.csv'), ['a,b,other', ...numbers].join('\n'))
  // Beyond 2^24 single precision does not know neighbours apart.
  const ids = Array.from({ length: ROWS }, (_, row) => (row < 10 ? row : 2 ** 24 + (row % 64)))
  await writeFile(join(folder, 'ids.csv'), ['id', ...ids.map((id) => `${id}.0`)].join('\n'))
  await writeFile(join(folder, 'orrery.yaml'), 'project: trained\n')
  await writeFile(join(folder, 'dvc.yaml'), PIPELINE)
}

async function run(args: readonly string[]): Promise<void> {
  const { code, out, err } = await runCommand(folder, args)
  if (code !== 0) throw new Error(`orrery ${args.join(' ')}: ${out}${err}`)
}

function git(...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
    cwd: folder,
  })
}

async function send(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path} was answered with ${await answer.text()}`)
}

/** Asks for a conversion by the tag; gives what the version tells of it, once it does. */
async function outcomeOf(name: string): Promise<string> {
  const tag = { name, version: '1', key: 'orrery.convert', value: 'onnx' }
  await send('/api/2.0/mlflow/model-versions/set-tag', tag)
  for (;;) {
    const outcome = (await tagsOf(name, 1))['orrery.convert.outcome']
    if (outcome !== undefined) return outcome
    await sleep(200)
  }
}

async function tagsOf(name: string, version: number): Promise<Record<string, string>> {
  const query = `name=${name}&version=${version}`
  const answer = await fetch(`${server.url}/api/2.0/mlflow/model-versions/get?${query}`)
  const { model_version: found } = (await answer.json()) as {
    model_version: { tags?: { key: string; value: string }[] }
  }
  return Object.fromEntries((found.tags ?? []).map(({ key, value }) => [key, value]))
}
