import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ReproOptions } from '#stages'
import { ours, sandbox, treeOf, type Sandbox } from './support.ts'

/** Two chains that have nothing to do with each other, and one in a folder. Each stage tells that it ran. */
const CHAINS = `stages:
${chained('a1', 'in')}${chained('a2', 'a1')}${chained('a3', 'a2')}${chained('b1', 'other')}${chained('b2', 'b1')}`
const INSIDE = `stages:
  c1:
    cmd: echo c1 >> ../ran.log && cp ../in.txt c1.txt
    deps: [../in.txt]
    outs: [c1.txt]
`

function chained(name: string, before: string): string {
  return `  ${name}:
    cmd: echo ${name} >> ran.log && cp ${before}.txt ${name}.txt
    deps: [${before}.txt]
    outs: [${name}.txt]
`
}

const [theirs, mine] = [sandbox(), sandbox()]
const boxes = [theirs, mine]
const start = sandbox()

beforeAll(() => {
  start.dvc('init', '-q')
  start.dvc('config', 'core.autostage', 'false')
  start.dvc('remote', 'add', '-d', 'store', '../store')
  for (const [path, text] of [
    ['in.txt', 'in\n'],
    ['other.txt', 'other\n'],
    ['dvc.yaml', CHAINS],
    ['sub/dvc.yaml', INSIDE],
  ] as const)
    start.write(path, text)
  start.dvc('repro', '-P', '-q')
  start.dvc('push', '-q')
})

beforeEach(() => {
  for (const box of boxes) {
    rmSync(box.root, { recursive: true, force: true })
    rmSync(join(box.root, '..', 'store'), { recursive: true, force: true })
    cpSync(start.root, box.root, { recursive: true })
    cpSync(join(start.root, '..', 'store'), join(box.root, '..', 'store'), { recursive: true })
    box.write('ran.log', '')
  }
})

afterAll(() => {
  for (const box of [...boxes, start]) box.remove()
})

interface Case {
  readonly what: string
  readonly change: (box: Sandbox) => void
  readonly args: readonly string[]
  readonly options: ReproOptions
  readonly fails?: boolean
}

const touchInput = (box: Sandbox) => box.write('in.txt', 'new\n')
const breakA2 = (box: Sandbox) => {
  touchInput(box)
  box.write('dvc.yaml', CHAINS.replace('cmd: echo a2', 'cmd: false && echo a2'))
}
const lose =
  (...paths: string[]) =>
  (box: Sandbox) => {
    for (const path of paths) rmSync(join(box.root, path), { recursive: true, force: true })
  }
const CACHE = '.dvc/cache'

const CASES: readonly Case[] = [
  {
    what: 'a target with what it needs',
    change: touchInput,
    args: ['a2'],
    options: { targets: ['a2'] },
  },
  {
    what: '-s',
    change: touchInput,
    args: ['-s', 'a2', '-f'],
    options: { targets: ['a2'], singleItem: true, force: true },
  },
  {
    what: '-p',
    change: touchInput,
    args: ['-p', 'a2'],
    options: { targets: ['a2'], pipeline: true },
  },
  { what: '-P', change: touchInput, args: ['-P'], options: { targets: [] } },
  {
    what: '-R',
    change: touchInput,
    args: ['-R', 'sub'],
    options: { targets: ['sub'], recursive: true },
  },
  {
    what: '--downstream',
    change: touchInput,
    args: ['--downstream', '-f', 'a2'],
    options: { targets: ['a2'], downstream: true, force: true },
  },
  {
    what: '--glob',
    change: touchInput,
    args: ['--glob', '[!b]1'],
    options: { targets: ['[!b]1'], glob: true },
  },
  {
    what: '--force-downstream',
    change: (box) => box.write('dvc.yaml', CHAINS.replace('cmd: echo a1', 'cmd: true && echo a1')),
    args: ['--force-downstream'],
    options: { targets: ['dvc.yaml'], forceDownstream: true },
  },
  {
    what: '--no-commit',
    change: touchInput,
    args: ['--no-commit'],
    options: { targets: ['dvc.yaml'], commit: false },
  },
  {
    what: '-k',
    change: breakA2,
    args: ['-k', '-P'],
    options: { targets: [], keepGoing: true },
    fails: true,
  },
  {
    what: '--allow-missing',
    change: lose('a1.txt', 'a2.txt', 'a3.txt', CACHE),
    args: ['--allow-missing', 'a3'],
    options: { targets: ['a3'], allowMissing: true },
  },
  {
    what: '--pull',
    change: lose('a1.txt', 'a2.txt', 'a3.txt', CACHE),
    args: ['--pull', 'a3'],
    options: { targets: ['a3'], pull: true },
  },
  {
    what: '--no-run-cache',
    change: lose('a1.txt', 'dvc.lock'),
    args: ['--no-run-cache', 'a1'],
    options: { targets: ['a1'], runCache: false },
  },
]

describe('repro does what dvc does, with', () => {
  test.for(CASES)('$what', async ({ change, args, options, fails = false }) => {
    for (const box of boxes) change(box)
    if (fails) expect(() => theirs.dvc('repro', '-q', ...args)).toThrow('failed')
    else theirs.dvc('repro', '-q', ...args)
    const { outcome } = await ours(mine).pipelines.repro(options)
    expect(outcome).toBe(fails ? 'failed' : 'succeeded')
    expect(seen(mine)).toEqual(seen(theirs))
  })
})

test('errors that are ignored keep nobody from running, and old outputs stay where dvc takes them away', async () => {
  for (const box of boxes) breakA2(box)
  theirs.dvc('repro', '-q', '--ignore-errors')
  await ours(mine).pipelines.repro({ targets: ['dvc.yaml'], ignoreErrors: true })
  expect(mine.read('a1.txt')).toBe('new\n')
  expect(mine.read('dvc.lock')).toBe(theirs.read('dvc.lock'))
  expect(existsSync(join(theirs.root, 'a2.txt'))).toBe(false)
  expect(mine.read('a2.txt')).toBe('in\n')
})

test('a person is asked before each stage that would run, and a no ends it', async () => {
  touchInput(mine)
  const asked: string[] = []
  const { outcome } = await ours(mine).pipelines.repro({
    targets: ['dvc.yaml'],
    confirm: async (stage) => asked.push(stage) < 2,
  })
  expect(outcome).toBe('killed')
  expect(asked).toEqual(['a1', 'a2'])
  expect(mine.read('ran.log')).toBe('a1\n')
})

test('a project file that cannot be read is told with its line, before anything runs', async () => {
  touchInput(mine)
  mine.write('orrery.yaml', 'project: p\nenvironment: [\n')
  await expect(ours(mine).pipelines.repro({ targets: ['a1'] })).rejects.toThrow(
    /orrery\.yaml .*line \d/,
  )
  expect(mine.read('ran.log')).toBe('')
})

/** What ran, and what it left. Failed stages of dvc lose what they had. */
function seen(box: Sandbox) {
  const files = treeOf(box.root, '')
  const isKept = (path: string) =>
    !path.startsWith('.git/') &&
    !path.startsWith('.dvc/') &&
    !path.startsWith('a2') &&
    !path.startsWith('a3')
  const lasting = Object.entries(files).filter(([path]) => isKept(path))
  const objects = Object.keys(files).filter((path) => path.startsWith('.dvc/cache/'))
  return { ...Object.fromEntries(lasting), objects }
}
