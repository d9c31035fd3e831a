import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openExperiments, type Experiments } from '#app/project/experiments/index'
import { openWorkspace } from '#app/project/workspace'
import { overridesOf, type ReproOptions } from '#stages'
import { temporaryBeside } from '#stores/dvc/atomic'
import { chanceOf } from '../support/random.ts'
import { MAIN } from '../support/orrery.ts'

// A failure is played again with its seed: ORRERY_EXPERIMENTS_KILL_SEED=… npx vitest run tests/simulation/experiments-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_EXPERIMENTS_KILL_ROUNDS'] ?? 2)
const SEED = Number(process.env['ORRERY_EXPERIMENTS_KILL_SEED'] ?? 4211)
const STARTED_MS_MAX = 60_000

const PIPELINE = `stages:
  double:
    cmd: echo $DVC_EXP_NAME >> $LOG; sleep 0.2; echo \${lr}\${lr} > double.txt
    params: [lr]
    outs: [double.txt]
  tell:
    cmd: 'sleep 0.2; echo "{\\"acc\\": \${lr}}" > metrics.json; cat double.txt > told.txt'
    deps: [double.txt]
    params: [lr]
    outs: [told.txt]
    metrics: [{metrics.json: {cache: false}}]
`

const chance = chanceOf(SEED)
const top = mkdtempSync(join(tmpdir(), 'orrery-experiments-kill-'))
const root = join(top, 'project')
const log = join(top, 'log')
const environment = { ...process.env, LOG: log }
const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: root, stdio: 'pipe' }).toString()

function experiments(): Experiments {
  const dependencies = { variables: environment, environments: join(top, 'environments') }
  return openExperiments(openWorkspace(root, dependencies), dependencies)
}

function standing(): string {
  const files = ['params.yaml', 'dvc.lock', 'metrics.json', 'double.txt', 'told.txt']
  return [
    git('status', '--porcelain'),
    ...files.map((file) => readFileSync(join(root, file), 'utf8')),
  ].join('\n')
}

/** Starts a command, and kills it a moment after so many stages have started. */
async function killed(args: readonly string[], stages: number): Promise<void> {
  writeFileSync(log, '')
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: root,
    env: environment,
    stdio: 'ignore',
  })
  const gone = new Promise((resolve) => child.once('close', resolve))
  const untilMs = Date.now() + STARTED_MS_MAX
  while (
    readFileSync(log, 'utf8').split('\n').length <= stages &&
    Date.now() < untilMs &&
    child.exitCode === null
  )
    await sleep(10)
  await sleep(chance.next() * 500)
  child.kill('SIGKILL')
  await gone
}

/** Refs lead to whole commits, and nobody's index is locked. */
function expectWhole(): void {
  expect(git('fsck', '--connectivity-only', '--no-dangling', '--no-progress')).toBe('')
  expect(existsSync(join(root, '.git/index.lock'))).toBe(false)
}

beforeAll(async () => {
  mkdirSync(join(root, '.dvc'), { recursive: true })
  writeFileSync(join(root, '.dvc/config'), '')
  writeFileSync(join(root, '.dvc/.gitignore'), '/config.local\n/tmp\n/cache\n')
  writeFileSync(join(root, 'params.yaml'), 'lr: 1\n')
  writeFileSync(join(root, 'dvc.yaml'), PIPELINE)
  writeFileSync(log, '')
  git('init', '-q', '-b', 'main')
  git('config', 'user.email', 'tests@example.org')
  git('config', 'user.name', 'Tests')
  const dependencies = { variables: environment, environments: join(top, 'environments') }
  await openWorkspace(root, dependencies).pipelines.repro({ targets: [] })
  git('add', '-A')
  git('commit', '-q', '-m', 'base')
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

describe(`killed at random moments, with seed ${SEED}`, () => {
  test('an experiment leaves the folder and the refs whole, and can be run again', async () => {
    const before = standing()
    for (let round = 0; round < ROUNDS; round++) {
      const [name, lr] = [`killed-${round}`, String(2 + round)]
      await killed(['exp', 'run', '--no-record', '-S', `lr=${lr}`, '-n', name], 1)
      const trial = experiments()
      await trial.recover()
      const kept = (await trial.list({})).some((each) => each.name === name)
      if (!kept) expect(standing()).toBe(before)
      expectWhole()
      const result = await trial.runHere({
        overrides: overridesOf([`lr=${lr}`]),
        name,
        replace: true,
        repro: { targets: [] },
      })
      expect(result.commit).not.toBeNull()
      expect(readFileSync(join(root, 'told.txt'), 'utf8')).toBe(`${lr}${lr}\n`)
      expect(git('show', `${result.commit}:params.yaml`)).toBe(`lr: ${lr}\n`)
      git('checkout', '-q', '--', '.')
      await openWorkspace(root, { variables: environment, environments: top }).data.checkout([], {
        force: true,
      })
      expect(standing()).toBe(before)
    }
  })

  test('a worker loses no experiment that waited, and leaves no work tree', async () => {
    const before = standing()
    const names: string[] = []
    for (const lr of [11, 12, 13]) {
      const waiting = await experiments().queue.add({
        overrides: overridesOf([`lr=${lr}`]),
        name: `q${lr}`,
        repro: { targets: [] },
      })
      names.push(waiting.name)
    }
    for (let round = 0; round < ROUNDS; round++) {
      await killed(['exp', 'run', '--run-all', '-j', '2', '--no-record'], 1 + round)
      const { queue } = experiments()
      const [tasks, waiting] = [await queue.tasks(), await queue.waiting()]
      const ended = tasks.filter(({ status }) => status === 'success')
      expect([...ended, ...waiting].map(({ name }) => name).toSorted()).toEqual(names)
      expectWhole()
      expect(standing()).toBe(before)
    }
    const last = experiments()
    await last.queue.work({ jobs: 2, repro: () => ({}) })
    expect(await last.clean()).toEqual([])
    for (const name of names)
      expect(
        git(
          'show',
          `${(await last.list({})).find((each) => each.name === name)?.commit}:metrics.json`,
        ),
      ).toBe(`{"acc": ${name.slice(1)}}\n`)
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
    expect(standing()).toBe(before)
  })
})

describe('killed at the moment when it calls Git', () => {
  const programs = join(top, 'programs')
  const path = `${programs}${delimiter}${process.env['PATH'] ?? ''}`
  beforeAll(() => {
    mkdirSync(programs)
    const real = execFileSync('which', ['git']).toString().trim()
    const text = `#!/bin/sh\nif [ "$1" = "$KILL_AT" ]; then kill -9 $PPID; exit 1; fi\nexec ${real} "$@"\n`
    writeFileSync(join(programs, 'git'), text)
    chmodSync(join(programs, 'git'), 0o755)
    writeFileSync(join(root, '.dvc/config'), '[core]\n    autostage = true\n')
    git('commit', '-q', '-a', '-m', 'stage by itself')
  })

  /** Runs an experiment, which ends where it first calls that command of Git; gives the signal that ended it. */
  const struck = (at: string, args: readonly string[]) =>
    new Promise<string | null>((resolve) => {
      spawn(process.execPath, [MAIN, 'exp', 'run', '--no-record', ...args], {
        cwd: root,
        env: { ...environment, PATH: path, KILL_AT: at },
        stdio: 'ignore',
      }).once('close', (_, signal) => resolve(signal))
    })
  /** Somebody ran it before and thought better of it: its stages can be had from the cache. */
  const ranBefore = async (lr: string, repro: ReproOptions) => {
    await experiments().runHere({
      overrides: overridesOf([`lr=${lr}`]),
      name: `first-${lr}`,
      repro,
    })
    git('reset', '-q', '--hard')
    await openWorkspace(root, { variables: environment, environments: top }).data.checkout([], {
      force: true,
    })
  }
  const expectUndone = async (name: string, before: string) => {
    expect(standing()).not.toBe(before)
    expect(await experiments().recover()).toBe(name)
    expect(standing()).toBe(before)
  }

  // With autostage, Git is called for a lock as soon as that is written.
  test('an experiment whose stage has just ended leaves the folder as it was', async () => {
    const before = standing()
    expect(await struck('add', ['-S', 'lr=31', '-n', 'ran'])).toBe('SIGKILL')
    expect(git('diff', '--name-only')).toContain('dvc.lock')
    // What a kill in the middle of a write leaves.
    for (const half of ['dvc.lock', 'params.yaml', '.gitignore'])
      writeFileSync(temporaryBeside(join(root, half)), 'sche')
    await expectUndone('ran', before)
  })

  test('an experiment that has just taken a stage from the cache leaves the folder as it was', async () => {
    await ranBefore('32', { targets: [] })
    const before = standing()
    expect(await struck('add', ['-S', 'lr=32', '-n', 'restored'])).toBe('SIGKILL')
    expect(git('diff', '--name-only')).toContain('dvc.lock')
    await expectUndone('restored', before)
  })

  // What Git tracks is asked when outs are there, before the lock is written.
  const tell = { only: ['-s', 'tell'], repro: { targets: ['tell'], singleItem: true } }
  test.each([
    { lr: '33', only: [], repro: { targets: [] }, changes: 'params.yaml\n' },
    { lr: '34', ...tell, changes: 'metrics.json\nparams.yaml\n' },
  ])(
    'an experiment that takes outs from the cache leaves the folder as it was (lr=$lr)',
    async ({ lr, only, repro, changes }) => {
      await ranBefore(lr, repro)
      const before = standing()
      const name = `taking-${lr}`
      expect(await struck('ls-files', [...only, '-S', `lr=${lr}`, '-n', name])).toBe('SIGKILL')
      expect(git('diff', '--name-only')).toBe(changes)
      await expectUndone(name, before)
    },
  )

  test('what somebody wrote after the kill stays', async () => {
    expect(await struck('add', ['-S', 'lr=35', '-n', 'ran'])).toBe('SIGKILL')
    writeFileSync(join(root, 'metrics.json'), '{"acc": 0.5}\n')
    await experiments().recover()
    expect(git('diff', '--name-only')).toBe('metrics.json\n')
    expect(readFileSync(join(root, 'metrics.json'), 'utf8')).toBe('{"acc": 0.5}\n')
    git('checkout', '-q', '--', '.')
  })
})
