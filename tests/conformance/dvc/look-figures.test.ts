import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProjectWorkspace } from '#app/project/workspace'
import { readPythonParams } from '#protocols/dvc/python-params'
import { MAIN } from '../../support/orrery.ts'
import { ours, sandbox, tagged, python, REVIVE, dvcEnvironment, type Sandbox } from './support.ts'

let box: Sandbox
let mine: ProjectWorkspace

beforeAll(() => {
  box = sandbox()
  box.dvc('init', '-q')
  box.write('params.yaml', params('0.1', 'b: 1', '[1, 2]', 'null'))
  box.write('other.json', '{"a": 1, "b": {"c": [1, 2, "it\'s"]}, "d.e": 2}')
  box.write('p.toml', '[train]\nlr = 0.5\nn = [1, 2]\n')
  box.write('p.py', 'X = 1\nclass C:\n    a = 5\n    def __init__(self):\n        self.z = 1e-3\n')
  box.write('sub/dvc.yaml', 'metrics: [x.yaml]\n')
  box.write('sub/x.yaml', 'deep:\n  f1: 0.25\n')
  box.write('top.json', '{"t": 1, "u": 2.123456789}')
  box.write('dvc.yaml', pipeline('0.5'))
  box.dvc('repro', '-q')
  commit('one')
  box.git('tag', 'v1')
  box.write('params.yaml', params('0.2', 'b: 2', '[1, 3]', '3'))
  box.write('p.toml', '[train]\nlr = 0.75\nn = [1, 2]\n')
  box.write('p.py', 'X = 2\nclass C:\n    a = 5\n    def __init__(self):\n        self.z = 1e-4\n')
  box.write('top.json', '{"t": 1.0, "w": 2.5}')
  box.write('dvc.yaml', pipeline('0.75'))
  box.dvc('repro', '-q')
  commit('two')
  box.git('branch', 'side')
  box.git('rm', '-q', '--cached', 'other.json')
  box.write('sub/x.yaml', 'deep:\n  f1: 0.125\n  f2: 2\n')
  mine = ours(box)
})

afterAll(() => {
  mine.revisions?.close()
  box.remove()
})

function params(rate: string, deep: string, list: string, none: string): string {
  return `lr: ${rate}\nn: 1\nbig: 1e-5\nlist: ${list}\nmixed: [1.5, a, true, null, {a: b}]\ndeep:\n  a: {${deep}}\nnone: ${none}\nt: true\n`
}

function pipeline(accuracy: string): string {
  return `metrics: [top.json]
params: [other.json]
stages:
  a:
    cmd:
    - echo '{"acc":${accuracy},"n":1,"deep":{"x":1.123456789,"l":[1,2],"nul":null}}' > m.json
    - mkdir -p mm && echo '{"q":1}' > mm/1.json && echo '{"q":${accuracy}}' > mm/2.json
    params: [lr, deep.a.b, {p.toml: [train.lr]}, {p.py: [X, C.z]}]
    metrics: [{m.json: {cache: false}}, mm]
`
}

function commit(message: string): void {
  box.git('add', '-A')
  box.git('commit', '-q', '-m', message)
}

function orrery(...args: string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], {
    cwd: box.root,
    env: dvcEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
}

describe('what dvc says is said in the same JSON', () => {
  test.for([
    'params diff v1 HEAD',
    'params diff v1 --all',
    'params diff v1 --deps',
    'params diff v1 --targets p.py p.toml',
    'metrics diff v1',
    'metrics diff v1 side --all',
    'metrics diff --targets top.json sub/x.yaml',
    'metrics show',
    'metrics show mm -a',
    'metrics show -A',
  ])('%s', (line) => {
    const args = [...line.split(' '), '--json']
    expect(JSON.parse(orrery(...args))).toEqual(JSON.parse(box.dvc(...args)))
  })
})

describe('what dvc says is said in the same words, but for the order of files', () => {
  test.for([
    'params diff v1',
    'metrics diff v1 --md --precision 2',
    'metrics diff v1 --no-path',
    'metrics show -a',
  ])('%s', (line) => {
    const lines = (text: string) => text.split('\n').toSorted()
    expect(lines(orrery(...line.split(' ')))).toEqual(lines(box.dvc(...line.split(' '))))
  })
})

test('a file that is not there is told, and the others are shown', async () => {
  const { metricsIn } = await import('#stages')
  const { workspace } = await mine.views()
  const found = await metricsIn(workspace, ['nothing.json', 'top.json'])
  expect(found.get('nothing.json')).toEqual({ kind: 'missing' })
  expect(found.get('top.json')?.kind).toBe('read')
  await expect((await mine.views()).at('nobody')).rejects.toThrow('is no revision')
})

describe('parameters in Python', () => {
  const source = String.raw`
"""A text that is no parameter: X = 3"""
import os
A = 1
B: float = -0.5  # a comment = 4
C = 1_000; D = 0x1F
E = 'it' "s" r'\n' '\x41\u00e9\t'
F = [1, 2.5,
     'a', None, True,  # more
     (1, 2), {'a': {'b': []}}]
G = {'k': 1, 2: [3]}
H = os.environ['HOME']
I = J = 1
K = f"no{A}"
L = 1e-05
M = """two
lines"""
N = A + 1
O = 1, 2
P == 3
if A:
    Q = 1
class Train(Base):
    """Words."""
    lr = 1e3
    class Inner:
        deep = \
            'x'
    def __init__(self, size=3):
        self.size = 128
        local = 2
        self.made = make()
    def run(self):
        self.other = 1
def outside():
    R = 1
S = (4)
T = ()
U = [x for x in y]
`
  test('are the ones that dvc reads', () => {
    const script = `${REVIVE}
from dvc.utils.serialize import parse_py
def tag(v):
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    if isinstance(v, int): return {'int': str(v)}
    if isinstance(v, float): return {'float': repr(v)}
    if isinstance(v, (list, tuple)): return {'list': [tag(e) for e in v]}
    return {'map': [[tag(k), tag(e)] for k, e in v.items()]}
print(json.dumps([tag(parse_py(v, 'p.py')) for v in values]))`
    const [theirs] = python(script, [source]) as unknown[]
    const { value, problems } = readPythonParams(source)
    expect(problems).toEqual([])
    const floats = (json: unknown) =>
      JSON.stringify(json).replaceAll(
        /"float":"([^"]+)"/g,
        (_, f: string) => `"float":${Number(f)}`,
      )
    expect(floats(tagged(value))).toEqual(floats(theirs))
  })

  test('in a file with a fault are refused with its line', () => {
    expect(readPythonParams("A = 1\nB = 'open\n").problems).toEqual(['line 2: a text has no end'])
    expect(readPythonParams('A = [1\n').problems).toEqual(['a bracket is not closed'])
  })
})
