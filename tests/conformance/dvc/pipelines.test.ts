import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { statusJson } from '#protocols/dvc/status'
import type { StepAction } from '#stages'
import { ours, sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

function project(files: Record<string, string>): Sandbox {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  for (const [path, text] of Object.entries(files)) box.write(path, text)
  return box
}

afterEach(() => {
  for (const box of boxes.splice(0)) box.remove()
})

async function actions(box: Sandbox, targets: string[] = []): Promise<Record<string, StepAction>> {
  const { steps } = await ours(box).pipelines.repro({ targets })
  const failures = steps.filter(({ failure }) => failure !== null)
  expect(failures).toEqual([])
  return Object.fromEntries(steps.map(({ name, action }) => [name, action]))
}

/** Three stages with everything that a lock can hold. */
const CHAIN = {
  'params.yaml':
    'lr: 1e-5\nseed: 7\nratio: 1.0\nbig: 123456789012345678901234567890\nname: "007"\nflag: yes\nnested: {deep: {z: 1, a: [1, 2.50, null]}}\nlayers: [64, 32]\nnothing:\nlong: "a text that is so long that a line of eighty columns cannot hold it, and so it must fold somewhere"\nlines: "one\\ntwo\\n"\n',
  'other.json': '{"alpha": 1.0, "beta": 10000000000000000000000, "gamma": {"x": 1e16}}',
  'settings.toml': '[train]\nepochs = 3\nrate = 0.10\n',
  'data/a': 'a\n',
  'data/sub/b': 'b\n',
  'dvc.yaml': `stages:
  prepare:
    cmd: cat data/a data/sub/b > prepared.txt && mkdir -p parts && cp prepared.txt parts/one && cp data/a "parts/é two"
    deps:
    - data
    params:
    - seed
    - nested.deep
    - layers.1
    - lines
    - other.json:
    outs:
    - prepared.txt
    - parts:
        desc: split
  train:
    cmd:
    - wc -c < prepared.txt > model.txt
    - chmod 755 model.txt
    - echo '{"auc":0.75,"n":{"rows":4}}' > metrics.json
    deps:
    - prepared.txt
    params:
    - lr
    - ratio
    - big
    - name
    - flag
    - nothing
    - long
    - settings.toml:
      - train.rate
    outs:
    - model.txt
    metrics:
    - metrics.json:
        cache: false
  report:
    wdir: sub
    cmd: cat ../model.txt ../metrics.json > report.txt
    deps:
    - ../model.txt
    - ../metrics.json
    - ../parts
    outs:
    - report.txt
`,
  'sub/keep': '',
}

describe('repro', () => {
  test('writes the lock, run cache and objects that dvc writes, to the byte', async () => {
    const [theirs, mine] = [project(CHAIN), project(CHAIN)]
    theirs.dvc('repro', '-q')
    expect(await actions(mine)).toEqual({ prepare: 'run', train: 'run', report: 'run' })
    expect(mine.read('dvc.lock')).toBe(theirs.read('dvc.lock'))
    expect(mine.tree('.dvc/cache')).toEqual(theirs.tree('.dvc/cache'))
    for (const path of ['.gitignore', 'sub/.gitignore'])
      expect(mine.read(path)).toBe(theirs.read(path))
    expect(mine.dvc('status')).toContain('up to date')
    expect(mine.dvc('repro')).not.toContain('Running')
    expect(statusJson([], await ours(theirs).pipelines.status())).toEqual({})
    expect(await actions(theirs)).toEqual({
      prepare: 'up-to-date',
      train: 'up-to-date',
      report: 'up-to-date',
    })
  })

  test('takes runs out of the cache that dvc filled, and dvc those of ours', async () => {
    const box = project(CHAIN)
    box.dvc('repro', '-q')
    const first = box.read('dvc.lock')
    box.write(
      'params.yaml',
      CHAIN['params.yaml'].replace('seed: 7', 'seed: 8').replace('lr: 1e-5', 'lr: 2e-5'),
    )
    expect(await actions(box)).toEqual({ prepare: 'run', train: 'run', report: 'up-to-date' })
    const second = box.read('dvc.lock')
    box.write('params.yaml', CHAIN['params.yaml'])
    expect(await actions(box)).toEqual({
      prepare: 'restored',
      train: 'restored',
      report: 'up-to-date',
    })
    expect(box.read('dvc.lock')).toBe(first)
    box.write(
      'params.yaml',
      CHAIN['params.yaml'].replace('seed: 7', 'seed: 8').replace('lr: 1e-5', 'lr: 2e-5'),
    )
    expect(box.dvc('repro')).not.toContain('Running')
    expect(box.read('dvc.lock')).toBe(second)
  })

  test('fills in templates, foreach and matrix as dvc does', async () => {
    const files = {
      'params.yaml':
        'base: out\nrate: 1e-05\non: true\nmodels:\n  rf: {depth: 3}\n  lr: {depth: 1}\nseeds: [1, 2.50, true, x y]\nargs: {lr: 0.1, deep: {er: "a b", off: false, on: true}, list: [1, "x y"]}\n',
      'vars.json': '{"extra": {"word": "hello"}, "unused": 1}',
      'dvc.yaml': `vars:
- vars.json:extra
- local: {dir: made}
stages:
  plain:
    cmd: mkdir -p \${local.dir} && echo "\${extra.word} \${rate} \${on} \\\${HOME}" > \${local.dir}/plain.txt
    outs:
    - \${local.dir}/plain.txt
  dict:
    cmd: echo \${args} > \${base}.txt
    params: [args]
    outs: [ "\${base}.txt" ]
  each:
    foreach: \${models}
    do:
      cmd: echo \${key} \${item.depth} > \${key}.txt
      params: [ "models.\${key}.depth" ]
      outs: [ "\${key}.txt" ]
  list:
    foreach: \${seeds}
    do:
      cmd: echo "\${item}" > "seed-\${item}.txt"
      deps: [ rf.txt ]
      outs: [ "seed-\${item}.txt" ]
  grid:
    matrix:
      model: [rf, lr]
      depth: [{d: 1}, {d: 2}]
    cmd: echo \${item.model} \${item.depth.d} > grid-\${key}.txt
    deps: [ "\${item.model}.txt" ]
    outs: [ "grid-\${key}.txt" ]
`,
    }
    const [theirs, mine] = [project(files), project(files)]
    theirs.dvc('repro', '-q')
    await actions(mine)
    const stages = (text: string) => text.split(/\n {2}(?=\S)/).toSorted()
    // Independent stages have no order of their own in dvc; what stands in the lock of each must be the same.
    expect(stages(mine.read('dvc.lock'))).toEqual(stages(theirs.read('dvc.lock')))
    expect(mine.dvc('status')).toContain('up to date')
  })

  test('keeps comments and other stages of a lock, and what only dvc knows in it', async () => {
    const box = project(CHAIN)
    box.dvc('repro', '-q')
    const lock = box
      .read('dvc.lock')
      .replace(
        "schema: '2.0'\n",
        "# made by machines\nschema: '2.0'\ndatasets:\n- name: t\n  type: url\n  url: s3://b/t\n",
      )
    box.write('dvc.lock', lock)
    box.write('params.yaml', CHAIN['params.yaml'].replace('lr: 1e-5', 'lr: 0.5'))
    await actions(box)
    expect(box.read('dvc.lock')).toBe(lock.replace('lr: 1e-05', 'lr: 0.5'))
  })
})

interface Case {
  readonly name: string
  readonly change: (box: Sandbox) => void
  /** What each stage then has to do. */
  readonly expected: Record<string, StepAction>
}

const CASES: Case[] = [
  {
    name: 'nothing',
    change: () => {},
    expected: { prepare: 'up-to-date', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'a file in a folder',
    change: (box) => box.write('data/sub/b', 'B\n'),
    expected: { prepare: 'run', train: 'run', report: 'run' },
  },
  {
    name: 'a file that makes no difference further on',
    change: (box) => box.write('data/sub/c', 'unread\n'),
    expected: { prepare: 'run', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'a parameter',
    change: (box) => box.write('params.yaml', CHAIN['params.yaml'].replace('lr: 1e-5', 'lr: 0.5')),
    expected: { prepare: 'up-to-date', train: 'run', report: 'up-to-date' },
  },
  {
    name: 'a parameter in another type of the same number',
    change: (box) =>
      box.write(
        'params.yaml',
        CHAIN['params.yaml'].replace('ratio: 1.0', 'ratio: 1').replace('seed: 7', 'seed: 7.0'),
      ),
    expected: { prepare: 'up-to-date', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'the order of keys within a parameter',
    change: (box) =>
      box.write(
        'params.yaml',
        CHAIN['params.yaml'].replace('{z: 1, a: [1, 2.50, null]}', '{a: [1, 2.5, null], z: 1}'),
      ),
    expected: { prepare: 'up-to-date', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'a new key in a file that is tracked as a whole',
    change: (box) =>
      box.write(
        'other.json',
        '{"alpha": 1, "beta": 10000000000000000000000, "gamma": {"x": 1e16}, "delta": 0}',
      ),
    expected: { prepare: 'run', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'a command',
    change: (box) =>
      box.write(
        'dvc.yaml',
        CHAIN['dvc.yaml'].replace('wc -c < prepared.txt', 'wc -l < prepared.txt'),
      ),
    expected: { prepare: 'up-to-date', train: 'run', report: 'run' },
  },
  {
    name: 'a description, which is no part of a stage',
    change: (box) =>
      box.write('dvc.yaml', CHAIN['dvc.yaml'].replace('desc: split', 'desc: other words')),
    expected: { prepare: 'up-to-date', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'an output that is gone',
    change: (box) => rmSync(join(box.root, 'prepared.txt')),
    expected: { prepare: 'restored', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'an output that was edited',
    change: (box) => box.write('model.txt', 'edited'),
    expected: { prepare: 'up-to-date', train: 'restored', report: 'up-to-date' },
  },
  {
    name: 'a metric that Git keeps',
    change: (box) => box.write('metrics.json', '{"auc":1}'),
    expected: { prepare: 'up-to-date', train: 'restored', report: 'up-to-date' },
  },
  {
    name: 'the cache of an output',
    change: (box) => {
      const [, head = '', rest = ''] =
        /path: model.txt\n\s+hash: md5\n\s+md5: (\w\w)(\w+)\n\s+size: \d+\n\s+isexec/.exec(
          box.read('dvc.lock'),
        ) ?? []
      rmSync(join(box.root, '.dvc/cache/files/md5', head, rest))
    },
    expected: { prepare: 'up-to-date', train: 'run', report: 'up-to-date' },
  },
  {
    name: 'an output that the stage did not have',
    change: (box) =>
      box.write(
        'dvc.yaml',
        CHAIN['dvc.yaml']
          .replace(
            '    - prepared.txt\n    - parts:',
            '    - prepared.txt\n    - data2:\n        cache: true\n    - parts:',
          )
          .replace('&& mkdir', '&& cp data/a data2 && mkdir'),
      ),
    expected: { prepare: 'run', train: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'the lock',
    change: (box) => rmSync(join(box.root, 'dvc.lock')),
    expected: { prepare: 'restored', train: 'restored', report: 'restored' },
  },
  {
    name: 'a stage that is frozen, with its parameters',
    change: (box) => {
      box.write('dvc.yaml', CHAIN['dvc.yaml'].replace('  train:\n', '  train:\n    frozen: true\n'))
      box.write('params.yaml', CHAIN['params.yaml'].replace('lr: 1e-5', 'lr: 0.5'))
    },
    expected: { train: 'up-to-date', prepare: 'up-to-date', report: 'up-to-date' },
  },
  {
    name: 'a stage that always counts as changed',
    change: (box) =>
      box.write(
        'dvc.yaml',
        CHAIN['dvc.yaml'].replace('  train:\n', '  train:\n    always_changed: true\n'),
      ),
    expected: { prepare: 'up-to-date', train: 'run', report: 'up-to-date' },
  },
]

describe('after a change of', () => {
  /** Made once: what it was is copied. */
  let base: Sandbox
  beforeAll(() => {
    base = project(CHAIN)
    boxes.length = 0
    base.dvc('repro', '-q')
  })
  afterAll(() => base.remove())

  test.each(CASES)('$name, status and repro find what dvc finds', async ({ change, expected }) => {
    const [theirs, mine] = [copyOf(base), copyOf(base)]
    change(theirs)
    change(mine)
    const status = statusJson([], await ours(mine).pipelines.status())
    expect(status).toEqual(JSON.parse(theirs.dvc('status', '--json')))
    expect(await actions(mine)).toEqual(expected)
    const said = theirs.dvc('repro')
    const ran = Object.keys(expected).filter((stage) => said.includes(`Running stage '${stage}'`))
    expect(ran.toSorted()).toEqual(
      Object.keys(expected)
        .filter((stage) => expected[stage] === 'run')
        .toSorted(),
    )
    expect(mine.read('dvc.lock')).toBe(theirs.read('dvc.lock'))
    expect(mine.tree('.dvc/cache')).toEqual(theirs.tree('.dvc/cache'))
  })

  test('data that a .dvc file tracks, repro takes the data as it is', async () => {
    const files = {
      'data/a': 'a',
      'dvc.yaml': 'stages:\n  copy:\n    cmd: cp data/a out\n    deps: [data]\n    outs: [out]\n',
    }
    const [theirs, mine] = [project(files), project(files)]
    for (const box of [theirs, mine]) {
      await ours(box).data.add(['data'])
      box.write('data/a', 'new')
    }
    theirs.dvc('repro', '-q')
    expect(await actions(mine)).toEqual({ 'data.dvc': 'committed', copy: 'run' })
    expect(mine.read('data.dvc')).toBe(theirs.read('data.dvc'))
    expect(mine.read('dvc.lock')).toBe(theirs.read('dvc.lock'))
  })
})

/** A copy has other inodes, so nothing that was remembered of the original counts. */
function copyOf(box: Sandbox): Sandbox {
  const copy = sandbox()
  boxes.push(copy)
  rmSync(copy.root, { recursive: true })
  cpSync(box.root, copy.root, { recursive: true, preserveTimestamps: true })
  if (existsSync(join(copy.root, '.dvc/tmp/orrery')))
    rmSync(join(copy.root, '.dvc/tmp/orrery'), { recursive: true })
  return copy
}
