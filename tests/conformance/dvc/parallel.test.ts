import { afterEach, expect, test } from 'vitest'
import type { ReproEvent } from '#stages'
import { ours, sandbox, type Sandbox } from './support.ts'

// Stages that run at the same time leave what DVC would have left by running them one after the other.

const boxes: Sandbox[] = []
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove()
})

function project(pipeline: string): Sandbox {
  const made = sandbox()
  boxes.push(made)
  made.write('.dvc/config', '')
  made.write('dvc.yaml', pipeline)
  return made
}

/** Runs all stages; gives the outcome and how many ran at the same time at most. */
async function reproduce(box: Sandbox, options: { jobs?: number; keepGoing?: boolean } = {}) {
  let running = 0
  let most = 0
  const onEvent = (event: ReproEvent) => {
    if (event.kind === 'started') most = Math.max(most, ++running)
    else if (event.kind === 'finished' && event.step.action === 'run') running -= 1
  }
  const result = await ours(box).pipelines.repro({ targets: [], onEvent, ...options })
  const outcomes = Object.fromEntries(result.steps.map(({ name, outcome }) => [name, outcome]))
  return { result, outcomes, most }
}

const LIGHT = 'meta: { resources: { cpu: 0.1 } }'
const FAN = `stages:
  part:
    matrix: { n: [1, 2, 3, 4, 5, 6] }
    cmd: sleep 0.3; echo \${item.n} > part\${item.n}
    outs: ["part\${item.n}"]
    ${LIGHT}
  sum:
    cmd: cat part* > sum
    deps: [part1, part2, part3, part4, part5, part6]
    outs: [sum]
`

test('stages that declare how little they need run together, and dvc finds nothing to do', async () => {
  const box = project(FAN)
  const { most, outcomes } = await reproduce(box)
  expect(most).toBe(6)
  expect(new Set(Object.values(outcomes))).toEqual(new Set(['succeeded']))
  expect(box.read('sum')).toBe('1\n2\n3\n4\n5\n6\n')
  expect(box.dvc('status')).toContain('up to date')
  expect(box.dvc('repro')).toContain('up to date')
  expect((await reproduce(box)).most).toBe(0)
}, 30_000)

test('stages that declare nothing run one after the other, or as many as jobs are given', async () => {
  const box = project(FAN.replaceAll(LIGHT, 'desc: a part'))
  expect((await reproduce(box)).most).toBe(1)
  const second = project(FAN.replaceAll(LIGHT, 'desc: a part'))
  expect((await reproduce(second, { jobs: 3 })).most).toBe(3)
}, 30_000)

test('when one fails, those that run are finished, nothing more begins, and the next time the rest is done', async () => {
  const box = project(
    FAN.replace('sleep 0.3; echo', () => 'sleep 0.${item.n} && test ! -e bad${item.n} && echo'),
  )
  box.write('bad1', '')
  const { outcomes, result } = await reproduce(box)
  expect(result.outcome).toBe('failed')
  expect(outcomes).toMatchObject({ 'part@1': 'failed', 'part@6': 'succeeded' })
  expect(outcomes).not.toHaveProperty('sum')
  box.git('clean', '-qf', 'bad1')
  const again = await reproduce(box)
  expect(again.result.outcome).toBe('succeeded')
  expect(
    again.result.steps.filter(({ action }) => action === 'run').map(({ name }) => name),
  ).toEqual(['part@1', 'sum'])
  expect(box.read('sum')).toBe('1\n2\n3\n4\n5\n6\n')
}, 30_000)

test('a stage is tried again as often as it says, and what a failed attempt left is gone before the next', async () => {
  const box = project(`stages:
  flaky:
    cmd: |-
      test ! -e out && echo x >> tries && echo half > out && test $(wc -l < tries) -ge 3
    outs: [out]
    meta: { retries: { times: 2, wait: 10ms } }
  hopeless:
    cmd: echo x >> others; exit 4
    outs: [never]
    meta: { retries: 1 }
`)
  const said: string[] = []
  const result = await ours(box).pipelines.repro({
    targets: [],
    keepGoing: true,
    onEvent: (event) => event.kind === 'output' && said.push(event.text),
  })
  expect(result.steps.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['flaky', 'succeeded'],
    ['hopeless', 'failed'],
  ])
  expect([box.read('tries'), box.read('others')]).toEqual(['x\nx\nx\n', 'x\nx\n'])
  expect(said.join('')).toContain('attempt 1 of 3 failed')
  expect(said.join('')).toContain('again in 0.02 s')
}, 30_000)

test.each([
  ['{ resources: { cpus: 1 } }', 'meta.resources.cpus is not known'],
  ['{ resources: { memory: lots } }', "meta.resources.memory 'lots' is no size"],
  ['{ resources: { gpu: 0.5 } }', 'must be a whole number'],
  ['{ retries: many }', "'many' is no number"],
  ['{ resources: { gpu: 99 } }', 'needs 99 graphics cards'],
])('meta %s is refused before anything runs', async (meta, why) => {
  const box = project(`stages:\n  a:\n    cmd: touch ran\n    outs: [ran]\n    meta: ${meta}\n`)
  await expect(reproduce(box)).rejects.toThrow(why)
  expect(box.tree('.')).not.toHaveProperty('ran')
})
