/** Pipelines that somebody could have written, each made from its seed alone. */
export function randomPipeline(seed: number): Record<string, string> {
  const dice = diceOf(seed)
  const files: Record<string, string> = {
    'in.txt': `${seed}\n`,
    'data/a': 'a\n',
    'data/b': `${dice(9)}\n`,
  }
  const params = {
    n: dice(1000),
    rate: [0.1, 1e-5, 1.0, 2.5e10][dice(4)],
    name: ['x', 'a b', '007', 'true', 'é'][dice(5)],
    on: dice(2) === 0,
    none: null,
    nested: { list: [1, 'two', [3]], deep: { z: 1, a: 'y' } },
    names: ['u', 'v'].slice(0, 1 + dice(2)),
    table: { one: { k: 1 }, two: { k: 2 } },
  }
  files['params.yaml'] = JSON.stringify(params, undefined, 1)
  files['more.json'] = JSON.stringify({ lr: 0.5, deep: { x: 1 } })
  files['more.toml'] = 'lr = 0.25\n[deep]\nx = "t"\n'
  files['more.py'] = 'LR = 0.125\nclass Deep:\n    x = (1, 2)\n'
  const made: string[] = []
  const count = 2 + dice(4)
  const stages = Array.from({ length: count }, (_, index) =>
    KINDS[dice(KINDS.length)]?.({ name: `s${(index * 7 + seed) % 10}-${index}`, dice, made }),
  )
  files['dvc.yaml'] = `vars:\n- more.json:deep\n- greeting: hello\nstages:\n${stages.join('')}`
  return files
}

interface Making {
  readonly name: string
  readonly dice: (sides: number) => number
  /** Paths that stages before it write. */
  readonly made: string[]
}

type Kind = (making: Making) => string

const KINDS: readonly Kind[] = [
  ({ name, dice, made }) => {
    const from = sources(dice, made)
    return entry(name, made, `cat $(find ${from.join(' ')} -type f | sort) > ${name}.txt`, [
      `deps: [${from.join(', ')}]`,
      [
        'params: [n]',
        'params: [rate, nested.deep, nested.list.1]',
        'params: [name, none, on, {more.json: }]',
      ][dice(3)] ?? '',
      `outs: [${name}.txt]`,
    ])
  },
  ({ name, dice, made }) =>
    entry(name, made, `echo "\${n} \${greeting} \${deep.x}" > ${name}.txt`, [
      `params: [{more.${['json', 'toml', 'py'][dice(3)]}: [lr]}]`.replace(
        '.py: [lr]',
        '.py: [LR, Deep.x]',
      ),
      `outs: [${name}.txt]`,
    ]),
  ({ name, dice, made }) =>
    entry(
      name,
      made,
      `|\n      mkdir -p ${name}.txt\n      cp in.txt ${name}.txt/one\n      echo ${dice(50)} > ${name}.txt/two`,
      ['deps: [in.txt]', `outs: [{${name}.txt: {desc: a folder, push: false}}]`],
    ),
  ({ name, made }) =>
    entry(name, made, `echo '{"auc":0.5}' > ${name}.json && echo done > ${name}.txt`, [
      'deps: [data]',
      `metrics: [{${name}.json: {cache: false}}]`,
      `outs: [${name}.txt]`,
    ]),
  ({ name, made }) =>
    entry(name, made, `printf 'x,y\\n1,2\\n' > ${name}.csv; touch ${name}.txt`, [
      'deps: [data/a, data/b]',
      `plots: [{${name}.csv: {x: x, y: y}}]`,
      `outs: [{${name}.txt: {persist: true}}]`,
    ]),
  ({ name, dice, made }) => {
    const from = sources(dice, made).map((path) => `../${path}`)
    return entry(name, made, `cat $(find ${from.join(' ')} -type f | sort) > ../${name}.txt`, [
      'wdir: data',
      `deps: [${from.join(', ')}]`,
      `outs: [{../${name}.txt: {cache: ${dice(2) === 0}}}]`,
    ])
  },
  ({ name, made }) => {
    made.push(`${name}-u.txt`)
    return `  ${name}:\n    foreach: \${names}\n    do:\n      cmd: echo \${item} > ${name}-\${item}.txt\n      deps: [in.txt]\n      outs: ['${name}-\${item}.txt']\n`
  },
  ({ name, made }) => {
    made.push(`${name}-one.txt`)
    return `  ${name}:\n    foreach: \${table}\n    do:\n      cmd:\n      - echo \${key} > ${name}-\${key}.txt\n      - echo \${item.k} >> ${name}-\${key}.txt\n      params: [n]\n      outs: ['${name}-\${key}.txt']\n`
  },
  ({ name, dice }) =>
    `  ${name}:\n    matrix:\n      m: [a, ${dice(9)}]\n      c: [{k: 1}, {k: 2}]\n    cmd: echo \${item.m} \${item.c.k} > ${name}-\${item.m}-\${item.c.k}.txt\n    deps: [data]\n    outs: ['${name}-\${item.m}-\${item.c.k}.txt']\n`,
  ({ name, made }) =>
    entry(name, made, `echo always > ${name}.txt`, [
      'always_changed: true',
      'desc: each time',
      `outs: [${name}.txt]`,
    ]),
  ({ name }) => `  ${name}:\n    cmd: echo nothing\n`,
]

function entry(name: string, made: string[], cmd: string, lines: readonly string[]): string {
  made.push(`${name}.txt`)
  const rest = lines.filter((line) => line !== '').map((line) => `    ${line}\n`)
  return `  ${name}:\n    cmd: ${cmd}\n${rest.join('')}`
}

/** Some of what there is to read. Folders among it are read file by file. */
function sources(dice: Making['dice'], made: readonly string[]): string[] {
  const some = made.filter(() => dice(2) === 0).slice(0, 3)
  return [...new Set(['in.txt', ...some])]
}

function diceOf(seed: number): (sides: number) => number {
  let state = seed * 2_654_435_769 + 1
  return (sides) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) % sides
  }
}
