import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '#base/json'
import type { DataRef } from '#data'
import type { ReproOptions, ReproResult, RunRecorder } from '#stages'
import { initProject } from './init.ts'
import { openWorkspace } from './workspace.ts'

let root = ''

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'orrery-workspace-'))
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  await initProject(root, { noScm: false })
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const has = (path: string) => existsSync(join(root, path))

function opened() {
  return openWorkspace(root, {
    variables: { PATH: process.env['PATH'], SHELL: '/bin/sh' },
    environments: join(root, '.environments'),
    waitSeconds: 1,
  })
}

function repro(options: Partial<ReproOptions> = {}): Promise<ReproResult> {
  return opened().pipelines.repro({ targets: [], ...options })
}

/** One stage that writes `out` and a metric, by a command of the test's choosing. */
function oneStage(cmd: string, more = ''): void {
  write(
    'dvc.yaml',
    `stages:\n  make:\n    cmd: ${JSON.stringify(cmd)}\n    deps: [input]\n    outs: [out]\n    metrics:\n    - metrics.json: {cache: false}\n${more}`,
  )
}

const GOOD = 'cp input out && echo "{\\"auc\\": 0.5}" > metrics.json'

async function madeOnce(): Promise<string> {
  write('input', 'one')
  oneStage(GOOD)
  expect((await repro()).outcome).toBe('succeeded')
  return read('dvc.lock')
}

describe('a stage that goes wrong leaves everything as it was', () => {
  const cases: { name: string; cmd: string; meta?: string; failure: RegExp; outcome: string }[] = [
    {
      name: 'it fails',
      cmd: 'echo partial > out; exit 3',
      failure: /exit code 3/,
      outcome: 'failed',
    },
    {
      name: 'it forgets an output',
      cmd: 'echo "{}" > metrics.json',
      failure: /did not write out/,
      outcome: 'failed',
    },
    {
      name: 'its command does not exist',
      cmd: 'no-such-program',
      failure: /exit code 127/,
      outcome: 'failed',
    },
    {
      name: 'it kills itself',
      cmd: 'echo partial > out; kill -9 $$',
      failure: /SIGKILL/,
      outcome: 'killed',
    },
    {
      name: 'it hangs',
      cmd: 'echo partial > out; sleep 60',
      meta: '    meta: {timeout: 200ms}\n',
      failure: /time it is given/,
      outcome: 'killed',
    },
  ]
  test.each(cases)('$name', async ({ cmd, meta, failure, outcome }) => {
    const lock = await madeOnce()
    write('input', 'two')
    oneStage(cmd, meta)
    const { steps, outcome: whole } = await repro()
    expect(steps.map((step) => step.failure)).toEqual([expect.stringMatching(failure)])
    expect([whole, steps[0]?.outcome]).toEqual([outcome, outcome])
    expect([read('out'), read('metrics.json'), read('dvc.lock')]).toEqual([
      'one',
      '{"auc": 0.5}\n',
      lock,
    ])
    oneStage(GOOD)
    expect((await repro()).outcome).toBe('succeeded')
    expect(read('out')).toBe('two')
  })

  test('what it wrote for the first time goes, since nothing was there before', async () => {
    write('input', 'one')
    oneStage('echo partial > out; exit 1')
    expect((await repro()).outcome).toBe('failed')
    expect([has('out'), has('dvc.lock')]).toEqual([false, false])
  })

  test('a stage whose input is missing is not started', async () => {
    oneStage('touch started')
    const { steps } = await repro()
    expect(steps[0]?.failure).toMatch(/needs input, which does not exist/)
    expect(has('started')).toBe(false)
  })

  test('stages that do not need it go on when asked to', async () => {
    write('input', 'one')
    write(
      'dvc.yaml',
      'stages:\n  bad: {cmd: exit 1, outs: [b]}\n  after: {cmd: touch a, deps: [b], outs: [a]}\n  other: {cmd: touch o, deps: [input], outs: [o]}\n',
    )
    const stopped = await repro()
    expect(stopped.steps.map(({ name }) => name)).toEqual(['bad'])
    const { steps, outcome } = await repro({ keepGoing: true })
    expect(steps.map(({ name, action }) => [name, action])).toEqual([
      ['bad', 'run'],
      ['after', 'skipped'],
      ['other', 'run'],
    ])
    expect([outcome, has('o')]).toEqual(['failed', true])
  })
})

describe('a stage that is ended takes all of its processes with it', () => {
  test('on cancel', async () => {
    write('input', 'one')
    oneStage('sh -c "while :; do date +%N > beat; sleep 0.02; done" & wait')
    const abort = new AbortController()
    const running = repro({ signal: abort.signal })
    await until(() => has('beat'))
    abort.abort()
    expect((await running).steps[0]).toMatchObject({
      outcome: 'killed',
      failure: 'it was cancelled',
    })
    const beat = read('beat')
    await sleep(150)
    expect(read('beat')).toBe(beat)
  })

  test('on time-out, even where it will not listen', async () => {
    write('input', 'one')
    oneStage(
      'trap "" TERM; while :; do date +%N > beat; sleep 0.02; done',
      '    meta: {timeout: 100ms}\n',
    )
    expect((await repro()).steps[0]?.outcome).toBe('killed')
    const beat = read('beat')
    await sleep(150)
    expect(read('beat')).toBe(beat)
  }, 20_000)
})

describe('killed without warning', () => {
  test('at any moment, the lock and the cache stay right and the old outputs come back', async () => {
    const lock = await madeOnce()
    const moments = [30, 90, 150, 220, 300, 420]
    for (const [round, afterMs] of moments.entries()) {
      write('input', `round ${round}`)
      oneStage(`echo partial > out; sleep 0.1; ${GOOD}`)
      const child = reproInChild()
      await until(() => has('.dvc/tmp/orrery/aside') || child.exitCode !== null)
      await sleep(afterMs)
      child.kill('SIGKILL')
      await exited(child)
      const { data, pipelines } = opened()
      // A plan only looks: it must find a lock that can be read, whatever happened.
      await pipelines.plan({ targets: [] })
      const between = read('dvc.lock')
      expect(between === lock || between.includes('sleep 0.1')).toBe(true)
      oneStage(GOOD)
      write('input', 'one')
      const { outcome, steps } = await pipelines.repro({ targets: [] })
      expect([outcome, steps.map(({ action }) => action)]).toEqual([
        'succeeded',
        [expect.stringMatching(/^(up-to-date|restored)$/)],
      ])
      expect([read('out'), read('dvc.lock')]).toEqual(['one', lock])
      expect((await data.checkout()).failed).toEqual([])
    }
    execFileSync(
      'sh',
      [
        '-c',
        'cd .dvc/cache/files/md5 && for f in */*; do test "$(md5sum < $f | cut -c1-32)" = "$(echo $f | tr -d / | cut -c1-32)" || exit 1; done',
      ],
      { cwd: root },
    )
  }, 60_000)

  test('what it had started is ended before the stage runs again', async () => {
    await madeOnce()
    write('input', 'two')
    oneStage('while :; do date +%N > beat; echo partial > out; sleep 0.02; done')
    const child = reproInChild()
    await until(() => has('beat'))
    child.kill('SIGKILL')
    await exited(child)
    const beating = read('beat')
    await until(() => read('beat') !== beating)
    oneStage(GOOD)
    expect((await repro()).outcome).toBe('succeeded')
    const beat = read('beat')
    await sleep(150)
    expect([read('beat'), read('out')]).toEqual([beat, 'two'])
  }, 120_000)

  test('a stage does not start unseen, even where its start is the last thing that is done', async () => {
    await madeOnce()
    for (let round = 0; round < 5; round++) {
      write('input', `round ${round}`)
      oneStage('while :; do date +%N > beat; sleep 0.02; done')
      const child = reproInChild()
      await until(() => has('.dvc/tmp/orrery/aside'))
      await sleep(round * 3)
      child.kill('SIGKILL')
      await exited(child)
      oneStage(GOOD)
      expect((await repro()).outcome).toBe('succeeded')
      rmSync(join(root, 'beat'), { force: true })
      await sleep(100)
      expect(has('beat')).toBe(false)
    }
  }, 30_000)
})

describe('what stages are given', () => {
  test('the recorder’s variables, the project’s root, their own name and a fixed hash seed', async () => {
    write('input', 'one')
    write('dvc.yaml', 'stages:\n  show:\n    cmd: env > out\n    deps: [input]\n    outs: [out]\n')
    const heard: string[] = []
    await repro({ recorder: recorder(heard) })
    const variables = Object.fromEntries(
      read('out')
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s)),
    )
    expect(variables).toMatchObject({
      MLFLOW_RUN_ID: 'run-of-show',
      DVC_ROOT: root,
      DVC_STAGE: 'show',
      PYTHONHASHSEED: '0',
    })
  })

  test('each line of a command is a shell of its own, in the stage’s folder', async () => {
    write('sub/input', 'one')
    write(
      'sub/dvc.yaml',
      'stages:\n  show:\n    cmd: |\n      x=1; pwd > out\n      echo "[$x]" >> out\n    deps: [input]\n    outs: [out]\n',
    )
    const { steps } = await repro({ targets: ['sub/dvc.yaml'] })
    expect(steps.map(({ name, failure }) => [name, failure])).toEqual([['sub/dvc.yaml:show', null]])
    expect(read('sub/out')).toBe(`${join(root, 'sub')}\n[]\n`)
  })
})

describe('the recorder hears', () => {
  test('what ran, with its data, parameters, metrics and words; what did not; and how it ended', async () => {
    write('params.yaml', 'lr: 0.1\ndeep: {er: [1, 2]}\n')
    write('input', 'one')
    oneStage(`echo said; ${GOOD}`, '    params: [lr, deep]\n')
    const heard: string[] = []
    await repro({ recorder: recorder(heard) })
    await repro({ recorder: recorder(heard) })
    rmSync(join(root, 'out'))
    await repro({ recorder: recorder(heard) })
    write('input', 'two')
    oneStage('exit 4', '    params: [lr, deep]\n')
    await repro({ recorder: recorder(heard) })
    expect(heard).toEqual([
      'pipeline of make',
      'make reads input:f97c5d29, lr 0.1, deep {"er":[1,2]}',
      'make succeeded: out:f97c5d29 metrics.json:7c59d74b, auc 0.5, log "said\\n"',
      'pipeline succeeded, lock known',
      'pipeline of make',
      'make up-to-date: nothing that it reads or writes changed, out:f97c5d29 metrics.json:7c59d74b',
      'pipeline succeeded, lock known',
      'pipeline of make',
      'make restored: its output out is missing; the same run is in the cache, out:f97c5d29 metrics.json:7c59d74b',
      'pipeline succeeded, lock known',
      'pipeline of make',
      'make reads input:b8a9f715, lr 0.1, deep {"er":[1,2]}',
      'make failed: , , log ""',
      'pipeline failed: make: `exit 4` ended with exit code 4, lock known',
    ])
  })
})

describe('one project', () => {
  test('is not changed by two at once: the second is told', async () => {
    write('input', 'one')
    oneStage(`sleep 2; ${GOOD}`)
    const first = repro()
    await until(() => has('.dvc/tmp/rwlock') && read('.dvc/tmp/rwlock').includes('out'))
    await expect(repro()).rejects.toThrow(/\(process \d+\) has been working in this project/)
    expect((await first).outcome).toBe('succeeded')
    expect(has('.dvc/tmp/rwlock')).toBe(false)
  })

  test('with faults in its files says all of them, and runs nothing', async () => {
    write(
      'dvc.yaml',
      'stages:\n  a:\n    cmd: touch a\n    env: {}\n    outs: [a]\n  b:\n    cmd: echo ${missing}\n    outs: [b, {c: {cache: maybe}}]\n',
    )
    await expect(repro()).rejects.toThrow(
      /stages\.a\.env: is not known to DVC here[\s\S]*stages\.b\.outs\[1\]\.c\.cache: must be true or false/,
    )
    write(
      'dvc.yaml',
      'stages:\n  a: {cmd: touch a, outs: [a]}\n  b: {cmd: "echo ${missing}", outs: [b]}\n',
    )
    await expect(repro()).rejects.toThrow(/stage b: could not find 'missing'/)
    expect(has('a')).toBe(false)
    write(
      'dvc.yaml',
      'stages:\n  a: {cmd: touch a, deps: [b], outs: [a]}\n  b: {cmd: touch b, deps: [a], outs: [b]}\n',
    )
    await expect(repro()).rejects.toThrow(/need each other in a circle/)
    write('dvc.yaml', 'stages:\n  a: {cmd: touch a, outs: [x]}\n  b: {cmd: touch b, outs: [x/y]}\n')
    await expect(repro()).rejects.toThrow(/x\/y of b lies inside x of a/)
  })

  test('plans without touching anything, and says why', async () => {
    await madeOnce()
    write('input', 'two')
    write('dvc.yaml', `${read('dvc.yaml')}  after: {cmd: cp out last, deps: [out], outs: [last]}\n`)
    await repro()
    write('input', 'three')
    expect(await opened().pipelines.plan({ targets: [] })).toMatchObject([
      { name: 'make', action: 'run', reason: 'input changed' },
      { name: 'after', action: 'depends', reason: 'it runs if make changes what it reads' },
    ])
    expect(read('out')).toBe('two')
  })
})

describe('hashes that are remembered', () => {
  test('do not hide a change of the same size within the same time stamp', async () => {
    write('input', 'aaa')
    const { data } = opened()
    await data.add(['input'])
    const { atime, mtime } = statSync(join(root, 'input'))
    write('input', 'bbb')
    utimesSync(join(root, 'input'), atime, mtime)
    expect((await opened().data.status()).map(({ change }) => change)).toEqual(['modified'])
  })

  test('are taken from files that cannot be read no more', async () => {
    write('data/a', 'a')
    await opened().data.add(['data'])
    chmodSync(join(root, 'data/a'), 0o000)
    expect(await opened().data.status()).toEqual([])
    chmodSync(join(root, 'data/a'), 0o644)
  })
})

function recorder(heard: string[]): RunRecorder {
  const refs = (all: readonly DataRef[]) =>
    all.map(({ path, md5 }) => `${path}:${md5.slice(0, 8)}`).join(' ')
  const pairs = (all: Readonly<Record<string, Json>>) =>
    Object.entries(all)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
      .join(', ')
  return {
    pipelineStarted: async ({ stages }) => {
      heard.push(`pipeline of ${stages.join(', ')}`)
      return { pipelineRunId: 'p' }
    },
    stageStarted: async ({ stage, deps, params }) => {
      heard.push(`${stage} reads ${refs(deps)}, ${pairs(params)}`)
      return { runId: `run-of-${stage}`, environment: { MLFLOW_RUN_ID: `run-of-${stage}` } }
    },
    stageFinished: async ({ stage, outcome, outs, metrics, logTail }) => {
      heard.push(
        `${stage} ${outcome}: ${refs(outs)}, ${pairs(metrics)}, log ${JSON.stringify(logTail)}`,
      )
    },
    stageSkipped: async ({ stage, why, reason, outs }) => {
      heard.push(`${stage} ${why}: ${reason}, ${refs(outs)}`)
    },
    pipelineFinished: async ({ outcome, reason, lockDigest }) => {
      heard.push(
        `pipeline ${outcome}${reason === null ? '' : `: ${reason}`}, lock ${lockDigest === null ? 'none' : 'known'}`,
      )
    },
  }
}

/** The same in a process of its own, to be killed. */
function reproInChild(): ChildProcess {
  const script = `
    const { openWorkspace } = await import(${JSON.stringify(new URL('./workspace.ts', import.meta.url).href)})
    const { pipelines } = openWorkspace(${JSON.stringify(root)}, { variables: process.env, environments: '' })
    await pipelines.repro({ targets: [] })`
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: 'ignore',
    env: { ...process.env, SHELL: '/bin/sh' },
  })
}

function exited(child: ChildProcess): Promise<void> {
  return child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()))
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 60_000; !holds(); await sleep(10))
    if (Date.now() > endMs) throw new Error('it did not come about in time')
}
