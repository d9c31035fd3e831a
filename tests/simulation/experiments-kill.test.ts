import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openExperiments, type Experiments } from '#app/project/experiments/index'
import { openWorkspace } from '#app/project/workspace'
import { overridesOf } from '#stages'
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
