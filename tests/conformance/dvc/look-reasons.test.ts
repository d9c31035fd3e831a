import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProjectWorkspace } from '#app/project/workspace'
import { explained } from '#stages'
import { ours, sandbox, type Sandbox } from './support.ts'

let box: Sandbox
let mine: ProjectWorkspace

beforeAll(() => {
  box = sandbox()
  box.dvc('init', '-q')
  box.write('in/a', '1\n')
  box.write('in/b', '2\n')
  box.write('in/c', '3\n')
  box.write('one', 'one\n')
  box.write('params.yaml', 'lr: 0.1\ndeep: {list: [1, 2]}\n')
  box.write('dvc.yaml', pipeline('cat in/a one > out'))
  box.dvc('add', '-q', 'in')
  box.dvc('repro', '-q')
  mine = ours(box)
})

afterAll(() => {
  box.remove()
})

function pipeline(command: string): string {
  return `stages:\n  s:\n    cmd: ${command}\n    deps: [in, one]\n    params: [lr, deep]\n    outs: [out]\n  calm:\n    cmd: cp one two\n    deps: [one]\n    outs: [two]\n`
}

test('after dvc ran everything there is no reason', async () => {
  const statuses = await mine.pipelines.status()
  expect(statuses.map(({ reasons }) => reasons)).toEqual([[], []])
})

test('every reason has old and new, and a folder the files that differ', async () => {
  box.write('in/a', 'changed\n')
  box.write('in/d', 'new\n')
  rmSync(join(box.root, 'in/c'))
  box.write('params.yaml', 'lr: 0.2\ndeep: {list: [1, 3]}\n')
  box.write('dvc.yaml', pipeline('cat in/a one one > out'))
  const [, s, calm] = await mine.pipelines.plan({ targets: [] })
  expect(s?.action).toBe('run')
  expect(s?.reasons).toEqual([
    { kind: 'command', before: 'cat in/a one > out', after: 'cat in/a one one > out' },
    {
      kind: 'dep',
      path: 'in',
      change: 'modified',
      before: expect.objectContaining({ files: 3, sizeBytes: 6 }),
      after: expect.objectContaining({ files: 3, sizeBytes: 14 }),
      files: { added: ['d'], modified: ['a'], deleted: ['c'] },
    },
    {
      kind: 'param',
      path: 'params.yaml',
      name: 'lr',
      change: 'modified',
      before: 0.1,
      after: 0.2,
    },
    {
      kind: 'param',
      path: 'params.yaml',
      name: 'deep',
      change: 'modified',
      before: { list: [1, 2] },
      after: { list: [1, 3] },
    },
  ])
  expect((s?.reasons ?? []).map(explained)).toEqual([
    'command: "cat in/a one > out" -> "cat in/a one one > out"',
    expect.stringMatching(
      /^in changed: [0-9a-f]{8} \(3 files, 6 bytes\) -> [0-9a-f]{8} \(3 files, 14 bytes\); 1 added, 1 modified, 1 deleted: a, d, c$/,
    ),
    'params.yaml: lr 0.1 -> 0.2',
    'params.yaml: deep {"list":[1,2]} -> {"list":[1,3]}',
  ])
  expect(calm?.action).toBe('up-to-date')
})

test('the run has the reasons on record, and an output that somebody changed is one', async () => {
  const first = await mine.pipelines.repro({ targets: [] })
  expect(first.steps.find(({ name }) => name === 's')?.reasons).toHaveLength(4)
  rmSync(join(box.root, 'two'))
  box.write('two', 'mine\n')
  const told: unknown[] = []
  const again = await mine.pipelines.repro({
    targets: ['calm'],
    force: true,
    onEvent: (event) => {
      if (event.kind === 'decided') told.push(event.reasons)
    },
  })
  const reasons = again.steps.find(({ name }) => name === 'calm')?.reasons
  expect(reasons).toEqual([
    { kind: 'forced' },
    {
      kind: 'out',
      path: 'two',
      change: 'modified',
      before: expect.objectContaining({ sizeBytes: 4 }),
      after: expect.objectContaining({ sizeBytes: 5 }),
    },
  ])
  expect(told).toContainEqual(reasons)
})
