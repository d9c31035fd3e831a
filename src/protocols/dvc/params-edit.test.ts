import { describe, expect, test } from 'vitest'
import { combinationsOf, overridesOf, type Override } from '#stages'
import { applied } from './params-edit.ts'

const PARAMS = `# of the forest
a: 1 # first
b:
  c: 2
  # kept
  d: x
l: [1, 2] # two
flow: {p: 1, q: 'two'}
n:
`

function changed(text: string, overrides: readonly string[], file = 'params.yaml'): string {
  return applied(overridesOf(overrides), text, file)
}

function shown({ written, value }: Override): string {
  return `${written.split('=')[0]} ${typeof value} ${typeof value === 'object' ? '' : value}`
}

describe('overrides of params.yaml', () => {
  // What comes out was seen with dvc, which also drops the flow style that we keep.
  test.each<[string, string, string]>([
    ['a=2', 'a: 1 #', 'a: 2 #'],
    ['a=2.0', 'a: 1 #', 'a: 2.0 #'],
    ['a=1e-3', 'a: 1 #', 'a: 0.001 #'],
    ['a=1e30', 'a: 1 #', 'a: 1e+30 #'],
    ['a=', 'a: 1 #', "a: '' #"],
    ['a=.5', 'a: 1 #', 'a: 0.5 #'],
    ['a=1_000', 'a: 1 #', 'a: 1000 #'],
    ['a=0123', 'a: 1 #', "a: '0123' #"],
    ['a=x y', 'a: 1 #', 'a: x y #'],
    ["a='x, y'", 'a: 1 #', 'a: x, y #'],
    ['a="it\'s"', 'a: 1 #', "a: it's #"],
    [String.raw`a='\'q\''`, 'a: 1 #', `a: "'q'" #`],
    [String.raw`a=\=z`, 'a: 1 #', 'a: =z #'],
    ['a=TRUE', 'a: 1 #', 'a: true #'],
    ['a=null', 'a: 1 #', 'a: #'],
    ['a=1:2', 'a: 1 #', 'a: 1:2 #'],
    ['a=nan', 'a: 1 #', 'a: .nan #'],
    ['a=-inf', 'a: 1 #', 'a: -.inf #'],
    ['a=int(3.7)', 'a: 1 #', 'a: 3 #'],
    ['a=str(1)', 'a: 1 #', "a: '1' #"],
    ['a=bool(1)', 'a: 1 #', 'a: true #'],
    ['a=${b.c}', 'a: 1 #', 'a: 2 #'],
    ['a=${b.c}1', 'a: 1 #', "a: '21' #"],
    ['b.d=0x10', 'd: x', "d: '0x10'"],
    ['b={c:4}', 'c: 2', 'c: 4'],
    ['+b={z:4}', 'd: x', 'd: x\n  z: 4'],
    ['+b.z=1', 'd: x', 'd: x\n  z: 1'],
    ['++a=3', 'a: 1 #', 'a: 3 #'],
    ['n=1', 'n:\n', 'n: 1\n'],
    ['l.0=9', '[1, 2]', '[9, 2]'],
    ['flow.q=3', "'two'", '3'],
    ['+flow.r=4', "'two'}", `'two', "r": 4}`],
    ['~flow.p', '{p: 1, q', '{q'],
    ['~b.c', '  c: 2\n', ''],
    ['~a=1', 'a: 1 # first\n', ''],
    ['++x.y.z=1', 'n:\n', 'n:\nx:\n  y:\n    z: 1\n'],
  ])('%s', (override, before, after) => {
    expect(changed(PARAMS, [override])).toBe(PARAMS.replace(before, after))
  })

  test.each([
    ['x=1', 'write +x=1 to add it'],
    ['+a=3', 'write a=3 to change it'],
    ['~zz', 'zz is not in params.yaml'],
    ['~a=2', 'a is not 2'],
    ['~n', 'n is not in params.yaml'],
    ['b={z:4}', 'write +b={z:4} to add it'],
    ['l.5=9', 'l.5 is not in params.yaml'],
    ['l={x:1}', 'a map cannot be laid over a list'],
    ['a=x=y', '"=" stands where it may not'],
    ['a=x#y', 'put text with signs into quotes'],
    ['a=(', 'stands where it may not'],
    ['a=[1', '"]" is missing'],
    ['a=magic(1)', 'there is no magic(…) here'],
    ['a', 'a has no value'],
    ['=1', 'names no parameter'],
    ['a=1,2', 'asks for several runs'],
    ['../x.yaml:a=1', 'names no file of the project'],
    ['/etc/x.yaml:a=1', 'names no file of the project'],
    ['__proto__.x=1', 'write +__proto__.x=1'],
  ])('%s is refused with what to do', (override, why) => {
    expect(() => changed(PARAMS, [override])).toThrow(why)
  })

  test('many at once, one after the other', () => {
    expect(changed(PARAMS, ['+new=1', 'new=2', '~b.c', 'b.d=${new}'])).toBe(
      PARAMS.replace('  c: 2\n', '').replace('d: x', 'd: 2') + 'new: 2\n',
    )
  })
})

describe('overrides of other files', () => {
  test('keep the writing of JSON', () => {
    const json = '{\n  "a": 1,\n  "b": {"c": [1, 2.0]},\n  "e": {}\n}\n'
    expect(changed(json, ['p.json:a=2.0', 'p.json:b.c.1=x'], 'p.json')).toBe(
      json.replace('"a": 1', '"a": 2.0').replace('2.0]', '"x"]'),
    )
    expect(changed(json, ['p.json:+d=[1]', 'p.json:+e.f=1'], 'p.json')).toBe(
      json.replace('"e": {}\n', '"e": {"f": 1},\n  "d": [1]\n'),
    )
    expect(changed(json, ['p.json:~a', 'p.json:~b'], 'p.json')).toBe('{\n  "e": {}\n}\n')
    expect(changed('{\n\t"a": 1\n}', ['p.json:a=2'], 'p.json')).toBe('{\n\t"a": 2\n}')
  })

  test('keep comments and tables of TOML', () => {
    const toml =
      'top = 1 # one\n\n[train]\n# how fast\nlr = 0.1\nopt = { name = "adam" }\n\n[other]\nx = 1\n'
    expect(changed(toml, ['train.lr=0.5', 'train.opt.name=sgd', '+train.n=3'], 'p.toml')).toBe(
      toml.replace('0.1', '0.5').replace('"adam" }\n', '"sgd" }\nn = 3\n'),
    )
    expect(changed(toml, ['~other', '+fresh=true'], 'p.toml')).toBe(
      toml.replace('[other]\nx = 1\n', '').replace('# one\n', '# one\nfresh = true\n'),
    )
    expect(changed(toml, ['+a.b.c=[1,2]'], 'p.toml')).toContain('a = { b = { c = [1, 2] } }')
    expect(() => changed(toml, ['top=null'], 'p.toml')).toThrow('change it by hand')
  })

  test('change assignments of Python and nothing else', () => {
    const python =
      'LR = 0.1  # fast\nNAMES = ["a"]\nclass Model:\n    depth = 3\n    def __init__(self):\n        self.width = 5\nD = {\n    "k": 1,\n}\n'
    expect(
      changed(python, ['LR=0.5', 'NAMES=[b,c]', 'Model.depth=4', 'Model.width=6', 'D.k=2'], 'p.py'),
    ).toBe(
      python
        .replace('0.1', '0.5')
        .replace('["a"]', '["b", "c"]')
        .replace('depth = 3', 'depth = 4')
        .replace('width = 5', 'width = 6')
        .replace('"k": 1', '"k": 2'),
    )
    expect(() => changed(python, ['+NEW=1'], 'p.py')).toThrow('change it by hand')
  })
})

describe('sweeps', () => {
  test.each<[string[], string[]]>([
    [
      ['a=1,2', 'b=choice(x,y)'],
      [
        'a bigint 1 b string x',
        'a bigint 1 b string y',
        'a bigint 2 b string x',
        'a bigint 2 b string y',
      ],
    ],
    [['a=range(3)'], ['a bigint 0', 'a bigint 1', 'a bigint 2']],
    [['a=range(0,1,0.25)'], ['a number 0', 'a number 0.25', 'a number 0.5', 'a number 0.75']],
    [['a=range(3,0,-1)'], ['a bigint 3', 'a bigint 2', 'a bigint 1']],
    [['a=range(start=1,stop=3)'], ['a bigint 1', 'a bigint 2']],
    [['a=sort(3,1,2)'], ['a bigint 1', 'a bigint 2', 'a bigint 3']],
    [['a=sort(range(3),reverse=true)'], ['a bigint 2', 'a bigint 1', 'a bigint 0']],
    [["a='x,y',z"], ['a string x,y', 'a string z']],
    [['a=int(1.5,2)'], ['a bigint 1', 'a bigint 2']],
    [['a=choice(1)'], ['a bigint 1']],
    [
      ['o.yaml:a=1', 'b=1,2', 'o.yaml:c=3'],
      ['a bigint 1 c bigint 3 b bigint 1', 'a bigint 1 c bigint 3 b bigint 2'],
    ],
  ])('%s', (texts, expected) => {
    expect(combinationsOf(texts).map((each) => each.map(shown).join(' '))).toEqual(expected)
  })

  test('without bounds are refused', () => {
    expect(() => combinationsOf(['a=range(100000)'])).toThrow('more than 10000 experiments')
    expect(() => combinationsOf(['a=range(0,inf)'])).toThrow('range')
    expect(() => combinationsOf(['a=range(1,5,0)'])).toThrow('step')
  })
})
