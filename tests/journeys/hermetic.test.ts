import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import { httpRecorder } from '#app/pipelines/recorder'
import type { Finding, ReproOptions, StepResult } from '#stages'
import { pythonBin } from '../support/python.ts'
import { startTestServer } from '../support/server.ts'

let top = ''
let root = ''

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'orrery-hermetic-'))
  root = join(top, 'project')
  mkdirSync(root)
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  await initProject(root, { noScm: false })
  write('data/raw.csv', 'a,b\n1,2\n')
  write('data/more/x.csv', '3,4\n')
  write('conf/hidden.json', '{"c": 1}')
  write('src/lib.py', 'RATE = 2\n')
  writeFileSync(join(top, 'outside.txt'), 'outside')
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Runs a project of this one stage. */
async function stage(
  body: string,
  options: Partial<ReproOptions> = {},
): Promise<{ step: StepResult; said: string }> {
  write('dvc.yaml', `stages:\n  train: ${body}\n`)
  const { pipelines } = openWorkspace(root, {
    variables: {
      PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
      SHELL: '/bin/sh',
      HOME: top,
      SECRET: 'hunter2',
      GREETING: 'hello',
    },
    environments: join(top, 'environments'),
  })
  let said = ''
  const { steps } = await pipelines.repro({
    targets: [],
    force: true,
    hermetic: 'strict',
    onEvent: (event) => (said += event.kind === 'output' ? event.text : ''),
    ...options,
  })
  const step = steps.find(({ name }) => name === 'train')
  if (step === undefined) throw new Error('the stage did not come to run')
  return { step, said }
}

function found({ sight }: StepResult): [Finding['kind'], string][] {
  return (sight?.findings ?? [])
    .filter(({ kind }) => kind !== 'undeclared-probe')
    .map(({ kind, what }) => [kind, what])
}

interface Case {
  readonly does: string
  readonly script: string
  readonly finds: (folder: string) => [Finding['kind'], string]
  readonly add: RegExp
}

const CASES: readonly Case[] = [
  {
    does: 'reads a file that it finds by chance',
    script: `
import json, os
c = json.load(open('conf/hidden.json'))['c'] if os.path.exists('conf/hidden.json') else 0
open('model', 'w').write(str(c))`,
    finds: () => ['undeclared-read', 'conf/hidden.json'],
    add: /^deps: \[conf\/hidden\.json\]$/,
  },
  {
    does: 'reads a file in a folder of which it declares another',
    script: `open('model', 'w').write(str(sum(1 for _ in __import__('glob').glob('src/*') if open(_))))`,
    finds: () => ['undeclared-read', 'src/lib.py'],
    add: /^deps: \[src\/lib\.py\]$/,
  },
  {
    does: 'imports a module of the project',
    script: `import lib\nopen('model', 'w').write(str(lib.RATE))`,
    finds: () => ['undeclared-read', 'src/lib.py'],
    add: /^deps: \[src\/lib\.py\]$/,
  },
  {
    does: 'has a process of its own read what it does not declare',
    script: `
import subprocess
subprocess.run('cd conf 2>/dev/null; cat hidden.json conf/hidden.json 2>/dev/null', shell=True)
open('model', 'w').write('m')`,
    finds: () => ['undeclared-read', 'conf/hidden.json'],
    add: /^deps: \[conf\/hidden\.json\]$/,
  },
  {
    does: 'reads outside the project',
    script: `
try: open('../outside.txt').read()
except OSError: pass
open('model', 'w').write('m')`,
    finds: (folder) => ['outside-read', join(folder, 'outside.txt')],
    add: /^meta: \{ hermetic: \{ allow: \[.*outside\.txt\] \} \}$/,
  },
  {
    does: 'writes what is none of its outs',
    script: `open('model', 'w').write('m')\nopen('scratch.txt', 'w').write('s')`,
    finds: () => ['write-outside-outs', 'scratch.txt'],
    add: /^outs: \[scratch\.txt\]$/,
  },
  {
    does: 'calls a machine of the network',
    script: `
import socket
try: socket.create_connection(('203.0.113.7', 80), timeout=0.2)
except OSError: pass
open('model', 'w').write('m')`,
    finds: () => ['network', '203.0.113.7:80'],
    add: /^meta: \{ hermetic: \{ network: true \} \}$/,
  },
]

const BODY = '{cmd: python src/train.py, deps: [src/train.py, data], outs: [model]}'

describe.each(CASES)('a stage that $does', ({ script, finds, add }) => {
  test('fails, named with what to add to it, and its old outputs, lock and cache stay', async () => {
    write('src/train.py', `open('model', 'w').write('old')`)
    expect((await stage(BODY)).step).toMatchObject({ outcome: 'succeeded', failure: null })
    const lock = read('dvc.lock')
    const runs = join(root, '.dvc/cache/runs')
    const kept = execFileSync('find', [runs]).toString()
    write('src/train.py', script)

    const { step } = await stage(BODY)
    expect(step.outcome).toBe('failed')
    expect(found(step)).toContainEqual(finds(top))
    const finding = step.sight?.findings.find(({ what }) => what === finds(top)[1])
    expect(finding).toMatchObject({ stage: 'train', add: expect.stringMatching(add) as string })
    expect(step.failure).toContain(finding?.words)
    expect(read('model')).toBe('old')
    expect(read('dvc.lock')).toBe(lock)
    expect(execFileSync('find', [runs]).toString()).toBe(kept)
    expect(existsSync(join(root, 'scratch.txt'))).toBe(false)
  })

  test('is told of it, and goes on, when it is only observed', async () => {
    write('src/train.py', script)
    const { step, said } = await stage(BODY, { hermetic: 'observe' })
    expect(step).toMatchObject({ outcome: 'succeeded', sight: { outcome: 'undeclared' } })
    expect(found(step)).toContainEqual(finds(top))
    expect(said).toContain('not declared:')
    rmSync(join(root, 'scratch.txt'), { force: true })
  })
})

test('a stage that writes beside the project is told that it is lost, and fails', async () => {
  const there = join(top, 'outside.txt')
  const { step } = await stage(
    `{cmd: "echo x >> ${there}; echo y > ${join(top, 'new.txt')}; echo m > model", outs: [model]}`,
  )
  expect(step.outcome).toBe('failed')
  expect(found(step)).toEqual([
    ['write-outside-outs', join(top, 'new.txt')],
    ['write-outside-outs', there],
  ])
  expect(step.failure).toContain(
    `train writes ${there}, which is none of its outs, and what it wrote there is lost`,
  )
  expect(readFileSync(there, 'utf8')).toBe('outside')
})

test('a stage that keeps to what it declares is clean, sees no variables that are not its own, and has a /tmp of its own', async () => {
  write('params.yaml', 'depth: 3\n')
  write(
    'src/train.py',
    `
import glob, os, tempfile, lib
assert 'SECRET' not in os.environ and os.environ['DO_NOT_TRACK'] == 'true' and os.environ['GREETING'] == 'hello'
assert os.path.expanduser('~') != ${JSON.stringify(top)}
rows = [open(path).read() for path in sorted(glob.glob('data/**/*.csv', recursive=True))]
with tempfile.NamedTemporaryFile('w') as notes: notes.write('x')
os.makedirs('models/deep', exist_ok=True)
open('models/part', 'w').write(open('params.yaml').read() + rows[0])
os.replace('models/part', 'models/deep/model')
open('log.txt', 'a').write('again')
`,
  )
  write('log.txt', 'first ')
  const { step } = await stage(
    `{cmd: [python src/train.py, cat models/deep/model > copy], deps: [src, data], params: [depth], outs: [models, copy, log.txt: {persist: true}], meta: {hermetic: {env: [GREETING]}}}`,
  )
  expect(step.failure).toBeNull()
  expect(step.sight).toMatchObject({ watch: 'strict', outcome: 'clean' })
  expect([read('models/deep/model'), read('copy'), read('log.txt')]).toEqual([
    'depth: 3\n3,4\n',
    'depth: 3\n3,4\n',
    'first again',
  ])
})

test('a clean stage is kept in, but followed no more, until its code or settings change or somebody asks', async () => {
  const code = `
n = open('numbers').read()
try: n = open('conf/hidden.json').read() if n == '3' else n
except OSError: n = 'walls'
open('model', 'w').write(n)`
  const run = async (given: string, options: Partial<ReproOptions> = {}) => {
    write('given', given)
    const { step } = await stage(
      `{cmd: python src/train.py, deps: [src/train.py, numbers], outs: [model]}\n  make: {cmd: cp given numbers, deps: [given], outs: [numbers]}`,
      { force: false, runCache: false, ...options },
    )
    return [step.failure, step.sight?.outcome, step.sight?.reason, read('model')]
  }
  const before = expect.stringContaining('followed when its command, code and settings were new')
  write('src/train.py', code)
  expect(await run('1')).toEqual([null, 'clean', null, '1'])
  expect(await run('2')).toEqual([null, 'clean', before, '2'])
  // What new data makes it look for it does not find: its result depends on nothing undeclared.
  expect(await run('3')).toEqual([null, 'clean', before, 'walls'])
  const undeclared = [expect.stringContaining('conf/hidden.json'), 'undeclared', null, 'walls']
  expect(await run('3', { force: true })).toEqual(undeclared)
  write('src/train.py', `${code}\n`)
  expect(await run('4')).toEqual([null, 'clean', null, '4'])
  expect(await run('5')).toEqual([null, 'clean', before, '5'])
})

test('an mlflow run of a stage reaches its server over the only way out, and has the verdict', async () => {
  const server = await startTestServer()
  try {
    write(
      'src/train.py',
      `import mlflow\nwith mlflow.start_run(): mlflow.log_metric('auc', 0.5)\nopen('model', 'w').write('m')`,
    )
    const recorder = () => httpRecorder(server.url, { clock: systemClock, ids: randomIds })
    const tagsOf = async (run: string | null) => {
      const answer = await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run}`)
      const { run: told } = (await answer.json()) as {
        run: { data: { tags: { key: string; value: string }[]; metrics?: { key: string }[] } }
      }
      return Object.fromEntries([
        ...told.data.tags.map(({ key, value }) => [key, value] as const),
        ...(told.data.metrics ?? []).map(({ key }) => [key, 'logged'] as const),
      ])
    }
    const { step, said } = await stage(BODY, { recorder: recorder() })
    expect([step.failure, said]).toEqual([null, expect.any(String)])
    expect(await tagsOf(step.runId)).toMatchObject({
      auc: 'logged',
      'orrery.hermetic': 'strict: clean',
    })
    write('src/train.py', `import lib\nopen('model', 'w').write('m')`)
    const second = await stage(BODY, { recorder: recorder() })
    expect(await tagsOf(second.step.runId)).toMatchObject({
      'orrery.hermetic': 'strict: undeclared',
      'orrery.undeclared': expect.stringContaining('src/lib.py') as string,
    })
  } finally {
    await server.stop()
  }
})

test('a stage that says that it needs none of this is left alone, and that is told', async () => {
  write('src/train.py', `import lib\nopen('model', 'w').write('m')`)
  const { step } = await stage(BODY.replace('}', ', meta: {hermetic: false}}'))
  expect(step).toMatchObject({ outcome: 'succeeded', sight: { watch: 'off' } })
})

describe.each(['strict', 'off'] as const)('a stage that goes wrong (%s)', (hermetic) => {
  test('leaves no process behind, and a pipe may finish its file', async () => {
    const { step, said } = await stage(
      `{cmd: "(sleep 600 & setsid sleep 601 & ) ; (sleep 0.2; echo late > model) & echo early > early", outs: [model, early]}`,
      { hermetic },
    )
    expect(step.failure).toBeNull()
    expect(read('model')).toBe('late\n')
    expect(said).toMatch(/left 2 processes behind \(sleep, sleep\), which had to end too/)
  })

  test('prints without end into little memory', async () => {
    const before = process.memoryUsage().rss
    const { step } = await stage(
      `{cmd: "head -c 200000000 /dev/zero | tr '\\\\0' x; echo m > model", outs: [model]}`,
      { hermetic, onEvent: () => {} },
    )
    expect(step.failure).toBeNull()
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })

  test('hangs, and is ended in time with what it started', async () => {
    const { step } = await stage(
      `{cmd: sleep 600 & sleep 600, outs: [model], meta: {timeout: 1s}}`,
      {
        hermetic,
      },
    )
    expect(step).toMatchObject({
      outcome: 'killed',
      failure: expect.stringContaining('after 1 s') as string,
    })
  })
})
