import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { orrery } from './story.ts'
import { dvcEnvironment, pythonBin, sandbox, type Sandbox } from './support.ts'

/** What is asked of both, each in the same repository: words, and the folder that they are called in. */
const ASKED = [
  'show',
  'diff',
  'diff v1',
  'diff v1 HEAD',
  'diff HEAD v1 workspace',
  'diff v1 v2 HEAD',
  'diff v1 HEAD --targets both',
  'show m.csv',
  'show m.csv -x step -y acc',
  'show m.csv -x step -y acc --title T --x-label X --y-label Y',
  'show plain.tsv',
  'show none.csv --no-header -y 1',
  'show none.csv --no-header -x 0 -y 2',
  'show nested.json',
  'show nested.json -y b',
  'show deep.yaml -x n -y v',
  'show several.json',
  'show gone.csv',
  'show nothing.md',
  'show broken.json',
  'show empty.json',
  'show ragged.csv',
  'show m.csv -y missing',
  'show b.*',
  'show pictures',
  'show pictures/a.png',
  'show eval',
  'show sub/dvc.yaml::inner',
  'show dvc.yaml::m.csv',
  'show dots.csv',
  'show nan.json',
  'diff v1 --targets old.csv',
  'diff v1 HEAD --targets pictures',
  'diff v1 HEAD --targets kept.csv kept',
  ...[
    'linear',
    'simple',
    'scatter',
    'smooth',
    'scatter_jitter',
    'bar_horizontal',
    'bar_horizontal_sorted',
    'confusion',
    'confusion_normalized',
  ].flatMap((template) => [
    `show m.csv -x step -y acc -t ${template}`,
    `diff v1 HEAD --targets both -t ${template}`,
    `diff v1 HEAD --targets fields -t ${template}`,
    `diff v1 HEAD --targets mixed -t ${template}`,
  ]),
  'show m.csv -x step -y acc -t mine',
  'show m.csv -x step -y acc -t mine.json',
  'show m.csv -x step -y acc -t bare',
  'diff v1 HEAD --targets both -t mine',
  'diff v1 HEAD --targets mixed -t mine --split',
  'show m.csv -x step -y acc -t mine --split',
  'show m.csv -x step -y acc -t simple --split',
  'diff v1 HEAD --targets both -t scatter --split',
  'show -o elsewhere pictures',
] as const
const BELOW = ['show', 'show x.csv', 'diff v1 HEAD', 'show ../m.csv'] as const

let box: Sandbox
let theirs: Map<string, Answer>

interface Answer {
  readonly code: number
  readonly value: Shown | null
}

interface Shown {
  readonly data?: Record<string, Drawn[]>
  readonly errors?: { name?: string; rev: string; source?: string; type: string }[]
}

interface Drawn {
  readonly type: string
  readonly revisions: string[]
  readonly url?: string
  readonly content?: Spec
  readonly anchor_definitions?: Record<string, unknown>
}

type Spec = Readonly<Record<string, unknown>>

beforeAll(() => {
  box = sandbox()
  box.dvc('init', '-q')
  written('0.5', 'red')
  box.dvc('add', '-q', 'data.txt')
  box.dvc('repro', '-q')
  commit('one', 'v1')
  written('0.25', 'blue')
  box.write('old.csv', 'step,a\n1,2\n')
  box.dvc('repro', '-q')
  commit('two', 'v2')
  box.write('dvc.yaml', box.read('dvc.yaml').replace('title: Both', 'title: Both of them'))
  box.git('rm', '-q', '--cached', 'old.csv')
  commit('three', 'v3')
  box.write('m.csv', 'step,loss,acc\n1,0.5,0.125\n2,0.4,0.2\n')
  theirs = new Map([
    ...answersOfDvc('', ASKED).map(([asked, answer]) => [asked, answer] as const),
    ...answersOfDvc('sub', BELOW).map(([asked, answer]) => [`sub: ${asked}`, answer] as const),
  ])
})

afterAll(() => box.remove())

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

function written(loss: string, color: string): void {
  box.write('data.txt', color)
  box.write('m.csv', `step,loss,acc\n1,0.5,0.1\n2,0.4,0.2\n3,${loss},"0.3"\n`)
  box.write(
    'l.json',
    JSON.stringify({ train: [1, 2, 3].map((step) => ({ step, loss: 1 / step })) }),
  )
  box.write('plain.tsv', `a\tb\nx\t1\ny\t${loss}\n`)
  box.write('none.csv', `1,2,${loss}\n4,5,6\n`)
  box.write(
    'nested.json',
    '{"x":{"a":[{"a":1,"k":"p"},{"a":2,"k":"q"}]},"b":[{"b":3},{"b":4.5}],"c":1}',
  )
  box.write(
    'deep.yaml',
    'deep:\n  deeper:\n  - {n: 1, v: 2.5, w: true}\n  - {n: 2, v: 1e-3, w: null}\n',
  )
  box.write('several.json', '[{"a":1,"b":{"c":[1,2]}},{"a":2,"b":null}]')
  box.write('nothing.md', '# no')
  box.write('broken.json', '{"a": [')
  box.write('empty.json', '[]')
  box.write('ragged.csv', 'a,b,c\n1,2\n\n3,4,5\n')
  box.write('dots.csv', 'a.b,c[0]\n1,2\n3,4\n')
  box.write('nan.json', '[{"step":1,"loss":NaN},{"step":2,"loss":-Infinity},{"step":3,"loss":1.5}]')
  box.write('labels.csv', 'actual,predicted\ncat,dog\ncat,cat\ndog,dog\n')
  box.write('pictures/a.png', Buffer.from(PNG, 'base64'))
  box.write('pictures/deep/b.svg', `<svg xmlns="http://www.w3.org/2000/svg" fill="${color}"/>`)
  box.write('eval/one.csv', 'n,v\n1,2\n')
  box.write('eval/deep/two.csv', 'n,v\n1,3\n')
  box.write('sub/x.csv', `n,v\n1,${loss}\n`)
  box.write('sub/dvc.yaml', 'plots:\n- inner: {x: n, y: {x.csv: v}}\n- x.csv: {x: n, y: v}\n')
  box.write('.dvc/plots/mine.json', JSON.stringify(MINE))
  box.write('.dvc/plots/bare.json', JSON.stringify({ data: '<DVC_METRIC_DATA>', mark: 'bar' }))
  box.write('dvc.yaml', PIPELINE)
}

const MINE = {
  data: { values: '<DVC_METRIC_DATA>' },
  title: 'about <DVC_METRIC_TITLE>: <DVC_METRIC_X> over <DVC_METRIC_Y>',
  width: '<DVC_METRIC_PLOT_WIDTH>',
  height: '<DVC_METRIC_PLOT_HEIGHT>',
  params: ['<DVC_METRIC_ZOOM_AND_PAN>', '<DVC_METRIC_FREE>'],
  transform: [
    {
      groupby: '<DVC_METRIC_GROUP_BY>',
      a: '<DVC_METRIC_GROUP_BY_X>',
      b: '<DVC_METRIC_GROUP_BY_Y>',
    },
    { calculate: '<DVC_METRIC_PIVOT_FIELD>', as: 'p' },
  ],
  encoding: {
    x: { field: '<DVC_METRIC_X>', title: '<DVC_METRIC_X_LABEL>' },
    y: { field: '<DVC_METRIC_Y>', title: '<DVC_METRIC_Y_LABEL>' },
    color: '<DVC_METRIC_COLOR>',
    shape: '<DVC_METRIC_SHAPE>',
    strokeDash: '<DVC_METRIC_STROKE_DASH>',
    row: '<DVC_METRIC_ROW>',
    column: '<DVC_METRIC_COLUMN>',
    tooltip: '<DVC_METRIC_TOOLTIP>',
  },
}

const PIPELINE = `stages:
  make:
    cmd:
    - mkdir -p kept && cp m.csv kept/1.csv && cp l.json kept/2.json
    - cp m.csv kept.csv && cp none.csv bare.csv
    deps: [m.csv, l.json, none.csv]
    plots:
    - kept.csv: {x: step, y: loss, title: Kept, template: simple}
    - bare.csv: {header: false, y: '2', cache: false}
    - kept
  labels:
    cmd: cp labels.csv classes.csv
    deps: [labels.csv]
    plots: [{classes.csv: {cache: false, x: actual, y: predicted, template: confusion}}]
plots:
- m.csv
- kept.csv: {y: acc}
- eval: {x: n}
- eval/deep: {x: n, title: Deep}
- both: {x: {m.csv: step, l.json: step}, y: {m.csv: loss, l.json: loss}, title: Both}
- fields: {x: step, y: {m.csv: [loss, acc]}}
- mixed: {x: {m.csv: step}, y: {m.csv: [loss, acc], l.json: loss}}
- uneven: {x: {m.csv: step}, y: {x.csv: v}}
- pictures
- m.csv::again: {y: {m.csv: acc}}
`

function commit(message: string, tag: string): void {
  box.git('add', '-A')
  box.git('commit', '-q', '-m', message)
  box.git('tag', tag)
}

/** All of them in one process of dvc, since starting one takes half a second. */
function answersOfDvc(folder: string, asked: readonly string[]): [string, Answer][] {
  const answers = execFileSync(join(pythonBin(), 'python'), ['-c', ASKING], {
    cwd: join(box.root, folder),
    input: JSON.stringify(asked.map((words) => ['plots', ...words.split(' '), '--json'])),
    maxBuffer: 1 << 28,
    env: dvcEnvironment(),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const read = JSON.parse(answers.toString()) as Answer[]
  return asked.map((words, at) => [words, read[at] ?? { code: -1, value: null }])
}

const ASKING = `
import sys, json, os, logging, tempfile
from dvc.cli import main
asked = json.load(sys.stdin)
answer = os.fdopen(os.dup(1), 'w')
def plain(v):
    if isinstance(v, dict): return {k: plain(e) for k, e in v.items()}
    if isinstance(v, list): return [plain(e) for e in v]
    return None if isinstance(v, float) and (v != v or v in (float('inf'), -float('inf'))) else v
answers = []
for words in asked:
    with tempfile.TemporaryFile('w+') as out:
        os.dup2(out.fileno(), 1)
        code = main(words)
        sys.stdout.flush()
        out.seek(0)
        lines = [line for line in out.read().splitlines() if line.startswith('{')]
    for name in ('dvc', 'dvc_objects', 'dvc_data'): logging.getLogger(name).handlers.clear()
    answers.append({'code': code, 'value': plain(json.loads(lines[-1])) if lines else None})
json.dump(answers, answer)
answer.flush()
`

async function ours(folder: string, asked: string): Promise<Answer> {
  const cwd = join(box.root, folder)
  const { code, output } = await orrery(cwd, ['plots', ...asked.split(' '), '--json'])
  const line = output.split('\n').find((each) => each.startsWith('{'))
  return { code, value: line === undefined ? null : (JSON.parse(line) as Shown) }
}

describe('plots are the same in JSON as those of dvc', () => {
  test.for(ASKED)('plots %s', async (asked) => {
    expect(shared(asked, await ours('', asked))).toEqual(shared(asked, theirs.get(asked)))
  })
  test.for(BELOW)('plots %s, below the root', async (asked) => {
    // Below the root dvc forgets that a stage's plot has no header, and takes its first row for one.
    const without = '../bare.csv'
    const expected = theirs.get(`sub: ${asked}`)
    expect(shared(asked, await ours('sub', asked), without)).toEqual(
      shared(asked, expected, without),
    )
  })
})

function shared(asked: string, answer: Answer | undefined, without?: string): unknown {
  if (answer?.code !== 0) return { failed: true }
  const ownTemplate = asked.includes('mine') || asked.includes('bare')
  return compared(answer.value, { ownTemplate, without })
}

/** What consumers read: with a template of the project's own that is all of it. */
function compared(
  value: Shown | null,
  { ownTemplate, without }: { ownTemplate: boolean; without: string | undefined },
): unknown {
  return {
    data:
      value?.data &&
      Object.fromEntries(
        Object.entries(value.data)
          .filter(([id]) => id !== without)
          .map(([id, all]) => [id, all.map((drawn) => (ownTemplate ? drawn : meant(drawn)))]),
      ),
    errors: value?.errors?.map(({ name, rev, source }) => ({ name, rev, source })),
  }
}

function meant({ content = {}, anchor_definitions: left, ...rest }: Drawn): unknown {
  const { $schema, data, title } = content
  return { ...rest, $schema, data, title, encodings: encodingsIn(content), left: leftOf(left) }
}

/** Which columns are where: of axes with their words, of revisions and lines with their colours and dashes. */
function encodingsIn(
  spec: unknown,
  found: Record<string, string[]> = {},
): Record<string, string[]> {
  if (typeof spec !== 'object' || spec === null) return found
  for (const [key, value] of Object.entries(spec as Record<string, unknown>)) {
    if (key !== 'encoding' && key !== 'facet') {
      encodingsIn(value, found)
      continue
    }
    for (const [channel, said] of Object.entries(value as Record<string, Spec>)) {
      const { field, type, title, sort, scale } = said
      if (field === undefined || !CHANNELS.has(channel) || (channel === 'color' && !scale)) continue
      const { domain, range } = (scale ?? {}) as Record<string, unknown>
      const text = JSON.stringify({ field, type, title, sort, domain, range })
      const all = (found[channel] ??= [])
      if (!all.includes(text)) all.push(text)
    }
  }
  return found
}

const CHANNELS = new Set(['x', 'y', 'color', 'strokeDash', 'shape', 'row', 'column'])

/** An editor fills in what it finds: a tooltip is ours to ask for. */
function leftOf(left: Record<string, unknown> | undefined): unknown {
  if (left === undefined) return undefined
  const { '<DVC_METRIC_TOOLTIP>': _, ...rest } = left
  return rest
}
