import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { randomPipeline } from './random-pipelines.ts'
import { ours, sandbox, treeOf, type Sandbox } from './support.ts'

/**
 * Each has a folder and a `dvc.yaml` of its own, so that dvc runs all of them in one call. So few hold every kind of
 * stage; `ORRERY_TEST_PIPELINES=200` looks further.
 */
const COUNT = Number(process.env['ORRERY_TEST_PIPELINES'] ?? 12)
const FIRST_SEED = Number(process.env['ORRERY_TEST_SEED'] ?? 1)
const SEEDS = Array.from({ length: COUNT }, (_, index) => FIRST_SEED + index)

const [theirs, mine] = [sandbox(), sandbox()]
afterAll(() => {
  for (const box of [theirs, mine]) box.remove()
})

function write(box: Sandbox): void {
  for (const seed of SEEDS)
    for (const [path, text] of Object.entries(randomPipeline(seed)))
      box.write(`p${seed}/${path}`, text)
}

/** Stages that run together are ignored by Git in the order in which they end. */
function filesOf(box: Sandbox, folder: string): Record<string, string> {
  const files = treeOf(join(box.root, folder), '')
  const ignored = files['.gitignore']?.split('\n').toSorted().join('\n') ?? ''
  return { ...files, '.gitignore': ignored }
}

/** By seed, so that the one is told whose pipeline is not the same. */
function left(box: Sandbox) {
  return {
    pipelines: Object.fromEntries(SEEDS.map((seed) => [seed, filesOf(box, `p${seed}`)])),
    objects: treeOf(join(box.root, '.dvc/cache/files'), ''),
    runs: treeOf(join(box.root, '.dvc/cache/runs'), ''),
  }
}

async function reproduce(): Promise<void> {
  theirs.dvc('repro', '-P', '-q')
  const { steps } = await ours(mine).pipelines.repro({ targets: [], jobs: 4 })
  expect(steps.filter(({ failure }) => failure !== null)).toEqual([])
}

test(`random pipelines, seeds ${SEEDS[0]} to ${SEEDS.at(-1)}, leave the very files that dvc leaves`, async () => {
  theirs.dvc('init', '-q')
  write(theirs)
  cpSync(theirs.root, mine.root, { recursive: true })
  await reproduce()
  expect(left(mine)).toEqual(left(theirs))
})

test('so they do when their parameters and data change', async () => {
  for (const box of [theirs, mine])
    for (const seed of SEEDS) {
      const files = randomPipeline(seed)
      if (seed % 2 === 0) box.write(`p${seed}/in.txt`, 'changed\n')
      else box.write(`p${seed}/params.yaml`, (files['params.yaml'] ?? '').replace('"n":', '"n": 1'))
    }
  await reproduce()
  expect(left(mine)).toEqual(left(theirs))
})
