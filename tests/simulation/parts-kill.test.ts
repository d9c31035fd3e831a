import { execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import { chanceOf } from '../support/random.ts'
import { damagedIn, lackingIn } from './data/tree.ts'

// A failure is played again with its seed: ORRERY_PARTS_KILL_SEED=… npx vitest run tests/simulation/parts-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_PARTS_KILL_ROUNDS'] ?? 3)
const SEED = Number(process.env['ORRERY_PARTS_KILL_SEED'] ?? 4211)
const PARTS = 30
const LANES = 3
const VICTIM = fileURLToPath(new URL('./data/victim.ts', import.meta.url))

/** Each part tells that it was processed, outside of the project. */
const CLEAN = `from=\${ORRERY_INPUT:-raw} to=\${ORRERY_OUTPUT:-clean}
mkdir -p $to
for file in $from/*.csv; do
  name=$(basename $file .csv)
  if [ -n "$ORRERY_INPUT" ]; then echo $name >> $LOG; sleep 0.02; fi
  { cat $from/unit $file; } | tr a-z A-Z > $to/$name.txt
done
`

const PIPELINE = `stages:
  clean:
    cmd:
    - sh clean.sh
    - cat clean/*.txt > all.txt
    deps: [clean.sh, raw]
    outs: [clean, all.txt]
    meta:
      parts: {input: raw, output: clean, glob: '*.csv', jobs: ${LANES}}
`

const chance = chanceOf(SEED)
const top = mkdtempSync(join(tmpdir(), 'orrery-parts-kill-'))
const root = join(top, 'project')
const log = join(top, 'log')
const environment = { ...process.env, LOG: log }
let life = 1500
let kills = 0

beforeAll(() => {
  mkdirSync(join(root, 'raw'), { recursive: true })
  mkdirSync(join(root, '.dvc'))
  writeFileSync(join(root, '.dvc/config'), '')
  writeFileSync(join(root, 'clean.sh'), CLEAN)
  writeFileSync(join(root, 'dvc.yaml'), PIPELINE)
  writeFileSync(join(root, 'raw/unit'), 'kg\n')
  execFileSync('git', ['init', '-q'], { cwd: root })
  for (let part = 0; part < PARTS; part++) writePart(part)
})

afterAll(() => {
  console.log(`${kills} runs were killed at work (seed ${SEED})`)
  rmSync(top, { recursive: true, force: true })
})

describe(`parts, with runs killed in ${ROUNDS} rounds (seed ${SEED})`, { timeout: 300_000 }, () => {
  test('give what an undisturbed whole run gives, and go on where they were', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) change()
      for (let kill = 0; kill < 2; kill++) {
        const isDone = await killed()
        expect(damagedIn(join(root, '.dvc/cache/files/md5'))).toEqual([])
        expect(lackingIn(join(root, '.dvc/cache/files/md5'))).toEqual([])
        if (isDone) break
      }
      const { steps, outcome } = await opened(root).pipelines.repro({ targets: ['dvc.yaml'] })
      expect({ round, outcome, failure: steps[0]?.failure }).toEqual({
        round,
        outcome: 'succeeded',
        failure: null,
      })
      expect({ round, ...(await resultOf(root)) }).toEqual({ round, ...(await undisturbed()) })
      expect(leftovers()).toEqual([])
    }
    const ran = readFileSync(log, 'utf8').trim().split('\n').length
    // Beyond what had to be done, only what a kill cut off was done again.
    expect(ran).toBeLessThanOrEqual(needed + kills * CUT_OFF_MAX)
  })
})

/** Those that ran when the kill came, and those that had ended and were being kept. */
const CUT_OFF_MAX = 4 * LANES
let needed = PARTS

function change(): void {
  const isForAll = chance.next() < 0.34
  if (isForAll) writeFileSync(join(root, 'raw/unit'), `${chance.word(3)}\n`)
  const touched = new Set<number>()
  for (let count = chance.between(3, 12); count > 0; count--) {
    const part = chance.between(0, PARTS + 5)
    touched.add(part)
    if (chance.next() < 0.3) rmSync(partFile(part), { force: true })
    else writePart(part)
  }
  needed += isForAll ? readdirSync(join(root, 'raw')).length : touched.size
}

function partFile(part: number): string {
  return join(root, 'raw', `${part}.csv`)
}

function writePart(part: number): void {
  writeFileSync(partFile(part), `${chance.word(chance.between(1, 200))}\n`)
}

function opened(folder: string) {
  return openWorkspace(folder, { variables: environment, environments: top, waitSeconds: 20 })
}

/** Lets a run begin, and kills it at a random moment; whether it was done before. */
async function killed(): Promise<boolean> {
  const child = spawn(process.execPath, [VICTIM, root, 'repro'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let isDone = false
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (String(chunk).includes('done')) isDone = true
      resolve()
    })
  })
  await Promise.race([begun, ended])
  const began = performance.now()
  await Promise.race([sleep(chance.next() * life), ended])
  if (isDone) life = Math.max(100, performance.now() - began)
  else kills++
  child.kill('SIGKILL')
  await ended
  return isDone
}

/** The same sources in a new project, run whole in one go. */
async function undisturbed() {
  const folder = mkdtempSync(join(top, 'whole-'))
  cpSync(join(root, 'raw'), join(folder, 'raw'), { recursive: true })
  cpSync(join(root, 'clean.sh'), join(folder, 'clean.sh'))
  mkdirSync(join(folder, '.dvc'))
  writeFileSync(join(folder, '.dvc/config'), '')
  writeFileSync(join(folder, 'dvc.yaml'), PIPELINE.replace(/ {4}meta:[^]*/, ''))
  execFileSync('git', ['init', '-q'], { cwd: folder })
  await opened(folder).pipelines.repro({ targets: ['dvc.yaml'] })
  return resultOf(folder)
}

async function resultOf(folder: string) {
  const clean = Object.fromEntries(
    readdirSync(join(folder, 'clean')).map((name) => [
      name,
      readFileSync(join(folder, 'clean', name), 'utf8'),
    ]),
  )
  const files = ['dvc.lock', 'all.txt'].map((name) => readFileSync(join(folder, name), 'utf8'))
  return { clean, files }
}

/** What killed runs left in the folder where parts are processed. */
function leftovers(): string[] {
  const folder = join(root, '.dvc/tmp/orrery/parts')
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => readdirSync(join(folder, entry.name)))
}
