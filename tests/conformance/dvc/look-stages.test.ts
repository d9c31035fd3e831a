import { execFileSync, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drawnGraph } from '#stages'
import { dvcEnvironment, sandbox, type Sandbox } from './support.ts'
import { MAIN } from '../../support/orrery.ts'

let theirs: Sandbox
let mine: Sandbox

beforeAll(() => {
  theirs = made()
  mine = made()
})

afterAll(() => {
  theirs.remove()
  mine.remove()
})

function made(): Sandbox {
  const box = sandbox()
  box.dvc('init', '-q')
  box.write('d', 'x\n')
  box.write('sub/x', 'x\n')
  box.write('params.yaml', 'a: 1\nb: {c: 2}\n')
  box.write('dvc.yaml', START)
  return box
}

const START = `# about it all
stages:
  # the first
  old:
    cmd: echo 1  # keep
    outs:
    - oldout
`

function orrery(...args: string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], {
    cwd: mine.root,
    env: dvcEnvironment(),
  }).toString()
}

function refused(...args: string[]): string {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: mine.root,
    env: dvcEnvironment(),
    encoding: 'utf8',
  })
  expect(status).not.toBe(0)
  return stderr
}

describe('stage add and freeze', () => {
  const everything =
    'stage add -n one -d d -d a.py -p a,b.c -p other.json:x,y -p whole.yaml: -o out -O nocache -m m.json -M mm.json --plots p.csv --plots-no-cache q.csv --outs-persist per --outs-persist-no-cache pern --always-changed --desc words'
  test.for([
    [...everything.split(' '), 'python a.py\ntwo'],
    ['stage', 'add', '-n', 'two', '-w', 'sub', '-d', 'x', 'echo', 'a b', 'c'],
    ['stage', 'add', '-f', '-n', 'old', '-o', 'oldout', 'echo 2'],
    ['stage', 'add', '-q', '-fn', 'long', 'python', 'a.py', '-d', 'x', '-n', 'y', '--fast', '-v'],
    ['stage', 'add', '-fvn', 'apart', '--desc=d', 'cp', '--', 'd', 'e'],
    ['freeze', 'one', 'two'],
    ['unfreeze', 'one'],
  ])('write what dvc writes: %j', (args) => {
    theirs.dvc(...args)
    orrery(...args)
    expect(mine.read('dvc.yaml')).toBe(theirs.read('dvc.yaml'))
    const lines = (box: Sandbox) => box.read('.gitignore').split('\n').toSorted()
    if (args.includes('one')) expect(lines(mine)).toEqual(lines(theirs))
  })

  test('list what dvc lists', () => {
    expect(orrery('stage', 'list')).toBe(theirs.dvc('stage', 'list'))
    expect(orrery('stage', 'list', '--name-only', '--all')).toBe(
      theirs.dvc('stage', 'list', '--name-only', '--all'),
    )
  })

  test('write nothing that would not be right', () => {
    const before = mine.read('dvc.yaml')
    expect(refused('stage', 'add', '-n', 'two', 'echo')).toContain('add --force')
    expect(refused('stage', 'add', '-n', 'a/b', 'echo')).toContain('cannot be the name')
    expect(refused('stage', 'add', '-n', 'x', '-w', 'nowhere', 'echo')).toContain('nowhere')
    expect(refused('stage', 'add', '-n', 'x', '-o', 'out', 'echo')).toContain('out is written by')
    expect(refused('stage', 'add', '--bogus', '-n', 'x', 'echo')).toContain('bogus')
    expect(refused('freeze', 'nobody')).toContain('names no stage')
    expect(mine.read('dvc.yaml')).toBe(before)
  })

  test('add takes options of the command behind dashes, and runs it', () => {
    const wanted = ['-n', 'made', '-o', 'made.txt', '--', 'cp', '-f', 'd', 'made.txt']
    orrery('stage', 'add', '--run', ...wanted)
    expect(mine.read('dvc.yaml')).toContain('cmd: cp -f d made.txt')
    expect(mine.read('made.txt')).toBe('x\n')
  })
})

const DRAWING = `    +---+
    | a |
    +---+
     * *
    *  *
   *    *
+---+   *
| b |   *
+---+   *
   *   *
   *  *
    **
  +---+
  | c |
  +---+`

describe('dag', () => {
  test('gives dvc the same graph', () => {
    const text = `stages:
  a: {cmd: x, outs: [a1, a2]}
  b: {cmd: x, deps: [a1], outs: [b1]}
  c: {cmd: x, deps: [a2, b1], outs: [c1]}
  loop: {foreach: [p, q], do: {cmd: x, deps: [c1], outs: ["l\${item}"]}}
  alone: {cmd: x, outs: [z]}
`
    for (const box of [mine, theirs]) box.write('dvc.yaml', text)
    const lines = (output: string) => output.split('\n').toSorted()
    for (const args of [
      ['dag', '--mermaid'],
      ['dag', '--dot', 'b'],
      ['dag', '--md', '--full', 'b', '--collapse-foreach-matrix'],
      ['dag', '--mermaid', '--outs'],
    ])
      expect(lines(orrery(...args))).toEqual(lines(theirs.dvc(...args)))
  })

  test('draws boxes below what they need', () => {
    const needs = new Map([
      ['a', []],
      ['b', ['a']],
      ['c', ['a', 'b']],
    ])
    expect(drawnGraph(needs).join('\n')).toBe(DRAWING)
  })
})
