import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import { pythonBin } from '../support/python.ts'
import { chanceOf } from '../support/random.ts'
import {
  damagedIn,
  lackingIn,
  nextTree,
  objectsIn,
  readTree,
  strangersIn,
  writeTree,
  type Tree,
} from './data/tree.ts'

// A failure is played again with its seed: ORRERY_DATA_KILL_SEED=… npx vitest run tests/simulation/data-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_DATA_KILL_ROUNDS'] ?? 3)
const SEED = Number(process.env['ORRERY_DATA_KILL_SEED'] ?? Date.now() % 2 ** 32)
/** Real dvc looks at the project after so many rounds, and after the last. */
const ROUNDS_A_DVC = Number(process.env['ORRERY_DATA_KILL_DVC_EVERY'] ?? 25)
/** How the workspace gets its files: copy, hardlink or symlink. */
const LINKS = process.env['ORRERY_DATA_KILL_LINKS'] ?? 'copy'
const VICTIM = fileURLToPath(new URL('./data/victim.ts', import.meta.url))

const chance = chanceOf(SEED)
const top = mkdtempSync(join(tmpdir(), 'orrery-data-kill-'))
const root = join(top, 'project')
const cache = join(root, '.dvc/cache/files/md5')
const remote = join(top, 'remote/files/md5')
const environment = {
  ...process.env,
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  DVC_GLOBAL_CONFIG_DIR: top,
  DVC_SYSTEM_CONFIG_DIR: top,
  DVC_SITE_CACHE_DIR: join(top, 'site'),
}
let tree: Tree = new Map()
/** How long the work of each verb takes when nobody ends it. */
const lives = new Map<string, number>()
let killed = 0

beforeAll(async () => {
  mkdirSync(root)
  run('git', 'init', '-q')
  run('dvc', 'init', '-q')
  run('dvc', 'config', 'cache.type', LINKS)
  run('dvc', 'remote', 'add', '-q', '-d', 'store', join(top, 'remote'))
  changeTree()
  await data().add(['data', 'tool.sh'])
  await data().push()
})

afterAll(() => {
  console.log(`${killed} processes were killed at work (seed ${SEED})`)
  rmSync(top, { recursive: true, force: true })
})

describe(
  `killed at any moment of ${ROUNDS} (seed ${SEED})`,
  { timeout: 60_000 + ROUNDS * 10_000 },
  () => {
    test('add keeps the workspace, damages no object, and is completed by adding again', async () => {
      await rounds('add', async () => {
        const before = new Set(objectsIn(cache))
        changeTree()
        await killAt('add')
        expect(readTree(root)).toEqual(tree)
        expect([damagedIn(cache), lackingIn(cache)]).toEqual([[], []])
        const after = new Set(objectsIn(cache))
        expect([...before].filter((name) => !after.has(name))).toEqual([])
        await data().add(['data', 'tool.sh'])
        expect(await data().status()).toEqual([])
        expect(strangersIn(cache)).toEqual([])
      })
    })

    test('push leaves no list without its files, and is completed by pushing again', async () => {
      await rounds('push', async () => {
        changeTree()
        await data().add(['data', 'tool.sh'])
        await killAt('push')
        expect([damagedIn(remote), lackingIn(remote)]).toEqual([[], []])
        expect((await data().push()).failed).toEqual([])
        expect([damagedIn(remote), strangersIn(remote)]).toEqual([[], []])
      })
    })

    test('checkout leaves only whole files, and is completed by checking out again', async () => {
      await rounds('checkout', async () => {
        const [before, tracked] = [tree, trackedFiles()]
        changeTree()
        await data().add(['data', 'tool.sh'])
        const after = tree
        for (const [file, text] of tracked) writeFileSync(join(root, file), text)
        await killAt('checkout')
        for (const [path, text] of readTree(root))
          expect([before.get(path), after.get(path)]).toContain(text)
        await data().checkout()
        expect(readTree(root)).toEqual(before)
        expect(damagedIn(cache)).toEqual([])
        tree = before
        writeTree(root, tree)
      })
    })

    test('pull takes in only whole objects, and is completed by pulling again', async () => {
      await rounds('pull', async () => {
        await data().push()
        for (const gone of ['data', 'tool.sh', '.dvc/cache', '.dvc/tmp/orrery'])
          rmSync(join(root, gone), { recursive: true, force: true })
        await killAt('pull')
        expect(damagedIn(cache)).toEqual([])
        const { fetched, checkout } = await data().pull()
        expect([fetched.failed, checkout.failed]).toEqual([[], []])
        expect(readTree(root)).toEqual(tree)
        expect([damagedIn(cache), strangersIn(cache)]).toEqual([[], []])
        writeTree(root, tree)
      })
    })

    test('gc keeps all that is tracked, and is completed by collecting again', async () => {
      await rounds('gc', async () => {
        changeTree()
        await data().add(['data', 'tool.sh'])
        await killAt('gc')
        expect(damagedIn(cache)).toEqual([])
        expect(await data().status()).toEqual([])
        await opened().upkeep.collect({}, { forGood: true })
        expect([lackingIn(cache), await data().status()]).toEqual([[], []])
      })
    })
  },
)

function opened() {
  return openWorkspace(root, { variables: environment, environments: top, waitSeconds: 20 })
}

function data() {
  return opened().data
}

function changeTree(): void {
  tree = nextTree(tree, chance)
  writeTree(root, tree)
}

function trackedFiles(): [string, string][] {
  return ['data.dvc', 'tool.sh.dvc'].map((file) => [file, readFileSync(join(root, file), 'utf8')])
}

async function rounds(verb: string, round: () => Promise<void>): Promise<void> {
  for (let number = 1; number <= ROUNDS; number++) {
    await round()
    if (number % ROUNDS_A_DVC === 0 || number === ROUNDS) {
      expect({ verb, number, status: run('dvc', 'status', '--json').trim() }).toMatchObject({
        status: '{}',
      })
      const said = JSON.parse(run('dvc', 'data', 'status', '--json')) as Record<string, unknown>
      expect({ verb, number, ...said }).not.toHaveProperty('not_in_cache')
      expect({ verb, number, ...said }).not.toHaveProperty('uncommitted')
    }
  }
}

/** Lets a process do the verb, and kills it at a random moment of its work. */
async function killAt(verb: string): Promise<void> {
  const life = lives.get(verb) ?? 400
  const child = spawn(process.execPath, [VICTIM, root, verb], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let isDone = false
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (String(chunk).includes('done')) isDone = true
      resolve()
    })
    child.once('close', () => resolve())
  })
  const began = performance.now()
  await Promise.race([sleep(chance.next() * life), ended])
  if (!isDone) killed++
  child.kill('SIGKILL')
  await ended
  // Moments are chosen from the time that the work really takes.
  if (isDone) lives.set(verb, Math.max(50, Math.min(life, performance.now() - began)))
  else lives.set(verb, life * 1.02)
}

function run(command: string, ...args: string[]): string {
  const path = existsSync(join(pythonBin(), command)) ? join(pythonBin(), command) : command
  return execFileSync(path, args, { cwd: root, env: environment, stdio: 'pipe' }).toString()
}
