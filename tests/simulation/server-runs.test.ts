import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import type { ShownRunDetail } from '#protocols/api/run-requests-wire'
import { dvcEnvironment, pythonBin } from '../conformance/dvc/support.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { chanceOf, type Chance } from '../support/random.ts'
import { damagedIn, lackingIn } from './data/tree.ts'
import { clientOf, eventually, sure, type Client } from './kill/client.ts'

// A failure is played again with its seed: ORRERY_RUN_KILL_SEED=… npx vitest run tests/simulation/server-runs.test.ts
const ROUNDS = Number(process.env['ORRERY_RUN_KILL_ROUNDS'] ?? 2)
const SEED = Number(process.env['ORRERY_RUN_KILL_SEED'] ?? 4211)
const PATIENCE = { withinMs: 60_000 }

let home: string
let origin: string
let counted: string
let port: number
let server: ServerProcess
let client: Client

/** Each stage notes that it ran; the second waits for a file, and the last for somebody's word. */
const PIPELINE = `stages:
  first:
    meta: { hermetic: false }
    cmd: echo first >> $COUNTED; cp raw.txt first.txt
    deps: [raw.txt]
    outs: [first.txt]
  second:
    meta: { hermetic: false }
    cmd: echo second >> $COUNTED; echo half > second.txt; while ! [ -e $COUNTED.go ]; do sleep 0.05; done; cp first.txt second.txt; echo through
    deps: [first.txt]
    outs: [second.txt]
  third:
    cmd: echo third >> $COUNTED; cat first.txt second.txt > third.txt
    deps: [first.txt, second.txt]
    outs: [third.txt]
    meta: { hermetic: false, approval: { timeout: 1h } }
`

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-runs-killed-'))
  counted = join(home, 'counted')
  origin = await projectOf('runs', {
    'dvc.yaml': PIPELINE,
    'raw.txt': 'raw\n',
    '.gitignore': '/first.txt\n/second.txt\n/third.txt\n',
  })
  port = await freePort()
  await start()
  sure(await client.post('/api/v1/projects', { origin }))
}, 60_000)
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

async function start(): Promise<void> {
  server = await spawnServer({ home, port, environment: { ORRERY_LOG_LEVEL: 'warn' } })
  client = clientOf(server.url)
}

/** A repository with these files. */
async function projectOf(name: string, more: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, name)
  await mkdir(join(folder, '.dvc'), { recursive: true })
  const files = {
    'orrery.yaml': `project: ${name}\n`,
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    ...more,
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  gitIn(folder, 'init', '--quiet', '--initial-branch', 'main')
  gitIn(folder, 'add', '--all')
  gitIn(folder, 'commit', '--quiet', '--message', 'Start')
  return folder
}

function gitIn(folder: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' })
}

const git = (...args: string[]) => gitIn(origin, ...args)

async function runUntil(id: string, isSo: (run: ShownRunDetail) => boolean, what: string) {
  return eventually(
    async () => sure(await client.get<ShownRunDetail>(`/api/v1/run-requests/${id}`)),
    isSo,
    { what, ...PATIENCE },
  )
}

const ranSoFar = async () =>
  (await readFile(counted, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)

const statesOf = ({ stages }: ShownRunDetail) =>
  Object.fromEntries(stages.map(({ stage, state }) => [stage, state]))

async function ask(id: string, project = 'runs'): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/run-requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ project, variables: { COUNTED: counted } }),
  })
  expect(answer.status).toBe(202)
}

test('a run whose server is killed in the midst of a stage, and again while it waits for approval, ends as an undisturbed one', async () => {
  await ask('disturbed')
  await eventually(ranSoFar, (ran) => ran.includes('second'), { what: 'second runs', ...PATIENCE })
  await server.kill()
  await start()
  const resumed = await runUntil(
    'disturbed',
    (run) => run.pipelineRuns.length === 2 && statesOf(run)['second'] === 'running',
    'second runs again',
  )
  expect(statesOf(resumed)).toEqual({ first: 'succeeded', second: 'running', third: 'queued' })
  await writeFile(`${counted}.go`, '')
  await runUntil('disturbed', ({ state }) => state === 'waiting', 'it waits for approval')
  await server.kill()
  await start()
  const waiting = await runUntil('disturbed', () => true, 'it is there')
  expect(statesOf(waiting)).toEqual({ first: 'succeeded', second: 'succeeded', third: 'waiting' })
  const log = await client.get<{ text: string }>('/api/v1/run-requests/disturbed/stages/second/log')
  expect(sure(log).text).toBe('through\n')
  sure(await client.post('/api/v1/run-requests/disturbed/approve', { stage: 'third' }))
  const ended = await runUntil('disturbed', ({ ended: at }) => at !== null, 'it ends')
  expect(ended).toMatchObject({ state: 'succeeded', lockBranch: 'orrery/disturbed' })
  // What was finished was not run again; what was cut short was.
  expect(await ranSoFar()).toEqual(['first', 'second', 'second', 'third'])

  await rm(join(home, 'data'), { recursive: true, force: true })
  await ask('undisturbed')
  await runUntil('undisturbed', ({ state }) => state === 'waiting', 'it waits for approval')
  sure(await client.post('/api/v1/run-requests/undisturbed/approve', { stage: 'third' }))
  const other = await runUntil('undisturbed', ({ ended: at }) => at !== null, 'it ends')
  expect(statesOf(other)).toEqual(statesOf(ended))
  expect(git('show', 'orrery/disturbed:dvc.lock')).toBe(git('show', 'orrery/undisturbed:dvc.lock'))
  expect(existsSync(join(home, 'runs', 'disturbed'))).toBe(false)
}, 180_000)

/** Two sides at once and what needs both; one of them is kept to what it declares, as far as the machine allows. */
const STORM = `stages:
  left:
    cmd: mkdir left; for n in 1 2 3 4; do cat params.yaml > left/$n.txt; sleep 0.02; done
    params: [left]
    outs: [left]
    meta: { hermetic: false, resources: { cpu: 0.1 } }
  right:
    cmd: echo half > right.txt; sleep 0.1; grep right params.yaml > right.txt
    params: [right]
    outs: [right.txt]
    meta: { resources: { cpu: 0.1 } }
  join:
    cmd: 'cat left/*.txt right.txt > all.txt; sleep 0.1; echo "{\\"bytes\\": $(wc -c < all.txt)}" > sizes.json'
    deps: [left, right.txt]
    outs: [all.txt]
    metrics: [{ sizes.json: { cache: false } }]
    meta: { hermetic: false }
`

test(
  `whatever dies at a random moment of ${ROUNDS} rounds (seed ${SEED}), lock and cache are sound, no old output is lost, and runs end as undisturbed ones`,
  async () => {
    const chance = chanceOf(SEED)
    const words = () => `left: ${chance.word(9)}\nright: ${chance.word(9)}\n`
    const storm = await projectOf('storm', {
      'dvc.yaml': STORM,
      'params.yaml': words(),
      '.gitignore': '/left\n/right.txt\n/all.txt\n',
    })
    const twin = join(home, 'twin')
    gitIn(home, 'clone', '--quiet', storm, twin)
    sure(await client.post('/api/v1/projects', { origin: storm }))
    const objects = join(home, 'data', 'storm', 'files', 'md5')
    const kills = { server: 0, runner: 0, machine: 0 }
    let life = 3000
    for (let round = 0; round <= ROUNDS; round++) {
      const [id, where] = [`storm-${round}`, { round, seed: SEED }]
      await ask(id, 'storm')
      const began = performance.now()
      // The first is undisturbed, and tells how long one takes.
      for (let left = round === 0 ? 0 : chance.between(1, 3); left > 0; left--) {
        await sleep(chance.next() * life)
        const victim = chance.pick(['server', 'runner', 'machine'] as const)
        if (await killed(victim, chance)) kills[victim]++
        expect({ ...where, victim, damaged: damagedIn(objects) }).toEqual({
          ...where,
          victim,
          damaged: [],
        })
        expect({ ...where, victim, lacking: lackingIn(objects) }).toEqual({
          ...where,
          victim,
          lacking: [],
        })
        dvcStatusOf(join(home, 'runs', id))
        if (victim !== 'runner') await start()
      }
      const ended = await runUntil(id, ({ ended: at }) => at !== null, `${id} ends`)
      if (round === 0) life = performance.now() - began
      expect({ ...where, state: ended.state, reason: ended.reason }).toEqual({
        ...where,
        state: 'succeeded',
        reason: null,
      })
      const lock = gitIn(storm, 'show', `orrery/${id}:dvc.lock`)
      expect({ ...where, lock }).toEqual({ ...where, lock: await undisturbed(twin) })
      gitIn(storm, 'merge', '--quiet', '--ff-only', `orrery/${id}`)
      for (const [, folder = '', rest = ''] of lock.matchAll(/md5: (..)([0-9a-f]{30}(\.dir)?)/g))
        if (!lock.includes(`path: params.yaml\n      md5: ${folder}${rest}`))
          expect({ ...where, kept: existsSync(join(objects, folder, rest)) }).toEqual({
            ...where,
            kept: true,
          })
      await writeFile(join(storm, 'params.yaml'), words())
      gitIn(storm, 'commit', '--quiet', '--all', '--message', 'Others')
    }
    console.log(`${ROUNDS} rounds (seed ${SEED}); killed at work: ${JSON.stringify(kills)}`)
    // With the server's cache real dvc brings back what the last run made.
    gitIn(home, 'clone', '--quiet', '--branch', `orrery/storm-${ROUNDS}`, storm, join(home, 'back'))
    await writeFile(
      join(home, 'back', '.dvc', 'config.local'),
      `[cache]\n    dir = ${join(home, 'data', 'storm')}\n`,
    )
    dvcIn(join(home, 'back'), 'checkout')
    expect(JSON.parse(dvcIn(join(home, 'back'), 'status', '--json'))).toEqual({})
    expect(readFileSync(join(home, 'back', 'all.txt'), 'utf8')).toBe(
      readFileSync(join(twin, 'all.txt'), 'utf8'),
    )
  },
  120_000 + ROUNDS * 60_000,
)

/** Ends the server, the process of its run, or all at once; whether there was one. */
async function killed(victim: 'server' | 'runner' | 'machine', chance: Chance): Promise<boolean> {
  if (victim === 'machine') await server.family.end()
  if (victim === 'server') await server.kill()
  if (victim !== 'runner') return true
  const runnerOf = async () =>
    (await server.family.living()).find(({ command }) => command.includes('pipeline-process'))
  let runner = await runnerOf()
  for (let tries = 0; tries < 40 && runner === undefined; tries++) {
    await sleep(50)
    runner = await runnerOf()
  }
  await sleep(chance.next() * 1000)
  try {
    if (runner !== undefined) process.kill(runner.pid, 'SIGKILL')
    return runner !== undefined
  } catch {
    // It came to its end meanwhile.
    return false
  }
}

/** The lock that the newest commit leads to where nobody is killed. */
async function undisturbed(twin: string): Promise<string> {
  gitIn(twin, 'add', '--all')
  gitIn(twin, 'reset', '--quiet', '--hard')
  gitIn(twin, 'pull', '--quiet')
  const { outcome } = await openWorkspace(twin, {
    variables: process.env,
    environments: join(home, 'environments'),
  }).pipelines.repro({ targets: ['dvc.yaml'] })
  expect(outcome).toBe('succeeded')
  return readFileSync(join(twin, 'dvc.lock'), 'utf8')
}

/** Real dvc can read the lock of a work tree in which somebody was killed. */
function dvcStatusOf(tree: string): void {
  if (!existsSync(join(tree, '.dvc', 'tmp', 'orrery-run'))) return
  if (!existsSync(join(tree, 'dvc.lock'))) return
  try {
    expect(JSON.parse(dvcIn(tree, 'status', '--json'))).toBeTypeOf('object')
  } catch (error) {
    // The run came to its end while dvc looked, and its work tree is gone; or whoever was not killed is still ending it.
    const isBusy = /is busy, it is being blocked/.test(
      String((error as { stderr?: string }).stderr),
    )
    if (existsSync(join(tree, 'dvc.lock')) && !isBusy) throw error
  }
}

function dvcIn(folder: string, ...args: string[]): string {
  return execFileSync(join(pythonBin(), 'dvc'), args, {
    cwd: folder,
    env: dvcEnvironment(),
    encoding: 'utf8',
    stdio: 'pipe',
  })
}
