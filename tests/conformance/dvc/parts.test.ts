import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { abilitiesOf } from '#executors/hermetic/index'
import type { ReproOptions, StepResult } from '#stages'
import { ours, sandbox, type Sandbox } from './support.ts'

/** What a user writes: it takes what the variables name, and without them the folders themselves. */
const CLEAN = `set -e
from=\${ORRERY_INPUT:-data/raw} to=\${ORRERY_OUTPUT:-data/clean}
mkdir -p "$to"
for file in "$from"/*.csv; do
  [ -e "$file" ] || continue
  name=$(basename "$file" .csv)
  if grep -q bad "$file"; then echo "bad rows in $name"; exit 3; fi
  { cat "$from/header.txt" 2>/dev/null || true; tr a-z A-Z < "$file"; } > "$to/$name.txt"
done
`
const MERGE = `cat data/clean/*.txt > data/all.txt\n`

function pipeline(parts: string, { cmd = '[sh clean.sh, sh merge.sh]' } = {}): string {
  return `stages:
  clean:
    cmd: ${cmd}
    deps: [clean.sh, merge.sh, data/raw]
    params: [scale]
    outs: [data/clean, data/all.txt]
    meta:
      parts: ${parts}
`
}

const PARTS = `{input: data/raw, output: data/clean, glob: '*.csv', jobs: 2}`

describe('a stage that runs by parts', () => {
  let box: Sandbox
  beforeAll(() => {
    box = prepared()
  })
  afterAll(() => box.remove())

  test('writes the same bytes, lock and cache as dvc does when it runs it whole', async () => {
    for (const name of ['a', 'b', 'c', 'd']) box.write(`data/raw/${name}.csv`, `row ${name}\n`)
    const first = await repro(box)
    expect(first.parts).toEqual({ all: 4, processed: 4, kept: 0, removed: 0, failed: [] })
    const mine = { lock: box.read('dvc.lock'), data: box.tree('data'), runs: runsOf(box) }
    expect(box.dvc('status')).toContain('up to date')
    box.dvc('repro', '--force')
    expect(box.read('dvc.lock')).toBe(mine.lock)
    expect(box.tree('data')).toEqual(mine.data)
    expect(runsOf(box)).toEqual(mine.runs)
  })

  test('processes only what is new or changed, and what removed parts gave vanishes', async () => {
    box.write('data/raw/b.csv', 'other\n')
    box.write('data/raw/e.csv', 'new\n')
    rmSync(join(box.root, 'data/raw/a.csv'))
    const plan = await ours(box).pipelines.plan({ targets: ['dvc.yaml'] })
    expect(plan[0]?.reasons?.at(-1)).toEqual({
      kind: 'parts',
      path: 'data/raw',
      added: ['e.csv'],
      modified: ['b.csv'],
      deleted: ['a.csv'],
      same: 2,
    })
    const step = await repro(box)
    expect(step.parts).toEqual({ all: 4, processed: 2, kept: 2, removed: 1, failed: [] })
    expect(readdirSync(join(box.root, 'data/clean'))).toEqual(['b.txt', 'c.txt', 'd.txt', 'e.txt'])
    expect(box.read('data/all.txt')).toBe('OTHER\nROW C\nROW D\nNEW\n')
    expect(box.dvc('status')).toContain('up to date')
    expect((await repro(box)).action).toBe('up-to-date')
  })

  test('knows a part again that comes back', async () => {
    box.write('data/raw/a.csv', 'row a\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 0, kept: 5 })
    expect(box.read('data/clean/a.txt')).toBe('ROW A\n')
  })

  test('processes all parts again when a parameter, a dependency or what they share changes', async () => {
    box.write('params.yaml', 'scale: 2\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 5, kept: 0 })
    box.write('clean.sh', `${CLEAN}# changed\n`)
    expect((await repro(box)).parts).toMatchObject({ processed: 5, kept: 0 })
    box.write('data/raw/header.txt', 'header\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 5, kept: 0 })
    expect(box.read('data/clean/a.txt')).toBe('header\nROW A\n')
    box.write('dvc.yaml', pipeline(PARTS, { cmd: '[sh ./clean.sh, sh merge.sh]' }))
    expect((await repro(box)).parts).toMatchObject({ processed: 5, kept: 0 })
    expect((await repro(box, { force: true })).parts).toMatchObject({ processed: 5, kept: 0 })
  })

  test('runs only the later commands when only they changed', async () => {
    box.write('dvc.yaml', pipeline(PARTS, { cmd: '[sh ./clean.sh, sh ./merge.sh]' }))
    expect((await repro(box)).parts).toMatchObject({ processed: 0, kept: 5 })
  })

  test('names the parts that fail, keeps the others, and leaves the old outputs whole', async () => {
    const before = box.tree('data/clean')
    box.write('data/raw/a.csv', 'bad\n')
    box.write('data/raw/c.csv', 'good\n')
    box.write('data/raw/d.csv', 'bad\n')
    const step = await repro(box)
    expect(step.outcome).toBe('failed')
    expect(step.parts?.failed.toSorted()).toEqual(['a.csv', 'd.csv'])
    expect(step.failure).toContain('3 of 5 are done and kept')
    expect(step.failure).toContain(
      'a.csv: `sh ./clean.sh` ended with exit code 3\n    bad rows in a',
    )
    expect(box.tree('data/clean')).toEqual(before)
    box.write('data/raw/a.csv', 'mended\n')
    box.write('data/raw/d.csv', 'mended\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 2, kept: 3 })
  })

  test('puts all outputs back when a later command fails', async () => {
    const before = box.tree('data')
    const lock = box.read('dvc.lock')
    box.write('data/raw/a.csv', 'again\n')
    box.write('merge.sh', 'exit 5\n')
    const step = await repro(box)
    expect(step.failure).toContain('`sh ./merge.sh` ended with exit code 5')
    expect({ ...box.tree('data'), 'raw/a.csv': before['raw/a.csv'] }).toEqual(before)
    expect(box.read('dvc.lock')).toBe(lock)
    box.write('merge.sh', MERGE)
    expect((await repro(box)).outcome).toBe('succeeded')
  })

  test('refuses later commands that change what parts wrote', async () => {
    box.write('merge.sh', `${MERGE}echo more > data/clean/more.txt\n`)
    expect((await repro(box)).failure).toContain('a later command of clean changed data/clean')
    expect(existsSync(join(box.root, 'data/clean/more.txt'))).toBe(false)
    box.write('merge.sh', MERGE)
    expect((await repro(box)).outcome).toBe('succeeded')
  })
})

describe('other ways to run parts', () => {
  let box: Sandbox
  beforeAll(() => {
    box = prepared()
    for (const name of ['a', 'b', 'c', 'd', 'e']) box.write(`data/raw/${name}.csv`, `row ${name}\n`)
  })
  afterAll(() => box.remove())

  test('several go through one process where each says what it writes', async () => {
    box.write('dvc.yaml', batches(`batch: 3, writes: '{stem}.txt'`))
    expect((await repro(box)).parts).toMatchObject({ processed: 5, kept: 0 })
    box.write('data/raw/b.csv', 'bad\n')
    box.write('data/raw/c.csv', 'fine\n')
    const failed = await repro(box)
    expect(failed.parts).toMatchObject({ processed: 1, failed: ['b.csv'] })
    box.write('data/raw/b.csv', 'mended\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 1, kept: 4 })
    expect(box.read('data/all.txt')).toBe('ROW A\nMENDED\nFINE\nROW D\nROW E\n')
    box.write('dvc.yaml', batches(`batch: 3, writes: '{stem}.parquet'`))
    const unclear = await repro(box, { force: true })
    expect(unclear.failure).toContain('it wrote a.txt, which no part writes')
  })

  test('one process is told of part after part', async () => {
    box.write('worker.py', WORKER)
    const cmd = '[python worker.py, sh merge.sh]'
    const worker = PARTS.replace('jobs: 2', 'jobs: 1, worker: true, timeout: 20s')
    box.write('dvc.yaml', pipeline(worker, { cmd }))
    const whole = await repro(box)
    expect(whole.parts).toMatchObject({ processed: 5, kept: 0 })
    expect(readFileSync(join(box.root, '..', 'started'), 'utf8')).toBe('x')
    const lock = box.read('dvc.lock')
    box.write('data/raw/a.csv', 'bad\n')
    box.write('data/raw/b.csv', 'dies\n')
    box.write('data/raw/c.csv', 'works\n')
    const failed = await repro(box)
    expect(failed.parts?.failed).toEqual(['a.csv', 'b.csv'])
    expect(failed.failure).toContain('a.csv: it is bad')
    expect(failed.failure).toContain('b.csv: `python worker.py` ended with exit code 4')
    expect(failed.parts).toMatchObject({ processed: 1 })
    for (const name of ['a', 'b', 'c']) box.write(`data/raw/${name}.csv`, `row ${name}\n`)
    box.write('data/raw/b.csv', 'mended\n')
    box.write('data/raw/c.csv', 'fine\n')
    await repro(box)
    expect(box.read('dvc.lock')).toBe(lock)
    box.dvc('repro', '--force')
    expect(box.read('dvc.lock')).toBe(lock)
  })

  test('folders are parts, and every part sees what is none', async () => {
    box.write('folders.sh', FOLDERS)
    box.write('data/days/1/x', 'one\n')
    box.write('data/days/1/y', 'two\n')
    box.write('data/days/2/x', 'three\n')
    box.write('data/days/factor', '7\n')
    box.write('dvc.yaml', FOLDERS_PIPELINE)
    expect((await repro(box)).parts).toMatchObject({ all: 2, processed: 2 })
    expect(box.tree('sums')).toEqual({ '1': '7\none\ntwo\n', '2': '7\nthree\n' })
    box.write('data/days/2/z', 'four\n')
    expect((await repro(box)).parts).toMatchObject({ all: 2, processed: 1, kept: 1 })
    const mine = box.read('dvc.lock')
    box.dvc('repro', '--force')
    expect(box.read('dvc.lock')).toBe(mine)
  })

  test('a part that takes too long is ended, tried again and named', async () => {
    box.write('dvc.yaml', FOLDERS_PIPELINE.replace('glob', 'timeout: 300ms, tries: 2, glob'))
    box.write('folders.sh', 'sleep 60\n')
    const said: string[] = []
    const step = await repro(box, {
      onEvent: (event) => event.kind === 'output' && said.push(event.text),
    })
    expect(step.failure).toContain('after 0.3 s, the time that a part is given')
    expect(step.parts?.failed).toEqual(['1', '2'])
    expect(said.filter((text) => text.includes('tried again'))).toHaveLength(2)
  })

  test.each([
    [`echo x > $ORRERY_OUTPUT/same`, 'the parts 1 and 2 of sums both write same'],
    [`mkdir sums; echo x > sums/x`, 'wrote to sums itself'],
    [`ln -s /nowhere $ORRERY_OUTPUT/$$`, 'is neither a file nor a folder'],
  ])('%s is refused, and nothing changes', async (script, words) => {
    const before = box.tree('sums')
    box.write('dvc.yaml', FOLDERS_PIPELINE)
    box.write('folders.sh', `${script}\n`)
    expect((await repro(box)).failure).toContain(words)
    expect(box.tree('sums')).toEqual(before)
  })
})

const batches = (how: string) => pipeline(PARTS.replace('jobs: 2', how))

const WORKER = `import json, os, sys
from pathlib import Path

def clean(source, target):
    text = source.read_text()
    if 'dies' in text:
        os._exit(4)
    if 'bad' in text:
        raise ValueError('it is bad')
    target.mkdir(parents=True, exist_ok=True)
    (target / (source.stem + '.txt')).write_text(text.upper())

if os.environ.get('ORRERY_PARTS') == 'lines':
    with open('../started', 'a') as started:
        started.write('x')
    for line in sys.stdin:
        part = json.loads(line)
        try:
            clean(Path(part['input']), Path(part['output']))
            print(json.dumps({'done': part['part']}), flush=True)
        except ValueError as error:
            print(json.dumps({'failed': part['part'], 'error': str(error)}), flush=True)
else:
    for source in sorted(Path('data/raw').glob('*.csv')):
        clean(source, Path('data/clean'))
`

const FOLDERS = `from=\${ORRERY_INPUT:-data/days} to=\${ORRERY_OUTPUT:-sums}
mkdir -p $to
for day in $from/*/; do cat $from/factor $day/* > $to/$(basename $day); done
`

const FOLDERS_PIPELINE = `stages:
  sums:
    cmd: sh folders.sh
    deps: [folders.sh, data/days]
    outs: [sums]
    meta:
      parts: {input: data/days, glob: '*/'}
`

describe('results of parts in the cache', () => {
  let box: Sandbox
  beforeAll(() => {
    box = prepared()
    for (const name of ['a', 'b', 'c']) box.write(`data/raw/${name}.csv`, `row ${name}\n`)
  })
  afterAll(() => box.remove())

  test('of a run that did not finish stay when garbage is collected', async () => {
    box.write('data/raw/c.csv', 'bad\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 2, failed: ['c.csv'] })
    await ours(box).upkeep.collect({}, { purge: true })
    box.write('data/raw/c.csv', 'row c\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 1, kept: 2 })
  })

  test('go with the objects that they name, so that nothing dangles', async () => {
    for (const text of ['two\n', 'three\n']) {
      box.write('data/raw/a.csv', text)
      await repro(box)
    }
    expect(ledgerLines(box)).toBe(5)
    await ours(box).upkeep.collect({}, { purge: true })
    expect(ledgerLines(box)).toBe(3)
    box.write('data/raw/a.csv', 'two\n')
    expect((await repro(box, { runCache: false })).parts).toMatchObject({ processed: 1, kept: 2 })
  })

  test('whose objects somebody removed are made again', async () => {
    rmSync(join(box.root, '.dvc/cache/files'), { recursive: true })
    rmSync(join(box.root, 'data/clean'), { recursive: true })
    expect((await repro(box)).parts).toMatchObject({ processed: 3, kept: 0 })
    expect(box.read('data/all.txt')).toBe('TWO\nROW B\nROW C\n')
  })

  test('are read past lines that a kill cut off and that nobody would write', async () => {
    const [ledger = ''] = ledgers(box)
    appendFileSync(
      ledger,
      `["a.csv","${'0'.repeat(32)}","../../escape","${'0'.repeat(32)}"]\n["b.csv","tor`,
    )
    box.write('data/raw/d.csv', 'row d\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 1, kept: 3 })
    box.write('data/raw/e.csv', 'row e\n')
    expect((await repro(box)).parts).toMatchObject({ processed: 1, kept: 4 })
  })

  test.each(['hardlink', 'symlink'])('become %ss where the project wants these', async (type) => {
    box.dvc('config', 'cache.type', type)
    box.write('data/raw/a.csv', `${type}\n`)
    expect((await repro(box)).parts).toMatchObject({ processed: 1, kept: 4 })
    expect((await repro(box)).action).toBe('up-to-date')
    expect(box.dvc('status')).toContain('up to date')
    expect(box.read('data/clean/a.txt')).toBe(`${type.toUpperCase()}\n`)
  })
})

const abilities = await abilitiesOf(process.env)

// The second of them tells what was looked for, which needs strace as well.
describe.skipIf(!abilities.encloses || !abilities.follows)(
  'parts that see only what their stage declares',
  () => {
    let box: Sandbox
    beforeAll(() => {
      box = prepared()
      box.write('secret', 'x\n')
      for (const name of ['a', 'b']) box.write(`data/raw/${name}.csv`, `row ${name}\n`)
    })
    afterAll(() => box.remove())

    test('are processed, and those that look further are not kept', async () => {
      const curious = `${CLEAN}cat secret || true\n`
      box.write('clean.sh', curious)
      const step = await repro(box, { hermetic: 'strict' })
      expect(step.parts?.failed.toSorted()).toEqual(['a.csv', 'b.csv'])
      expect(step.failure).toContain('clean reads secret, which it does not declare')
      expect(step.sight).toMatchObject({ watch: 'strict', outcome: 'undeclared' })
      box.write('clean.sh', CLEAN)
      const good = await repro(box, { hermetic: 'strict' })
      expect(good.parts).toMatchObject({ processed: 2, kept: 0 })
      expect(good.sight).toMatchObject({ watch: 'strict', outcome: 'clean', findings: [] })
      expect(box.read('data/all.txt')).toBe('ROW A\nROW B\n')
    })

    test('of a worker are not kept either, although it says that they are done', async () => {
      const worker = PARTS.replace('jobs: 2', 'worker: true')
      box.write('dvc.yaml', pipeline(worker, { cmd: '[python clean.sh, sh merge.sh]' }))
      box.write(
        'clean.sh',
        WORKER.replace('    text = ', "    os.path.exists('secret')\n    text = "),
      )
      for (let turn = 0; turn < 2; turn++) {
        const step = await repro(box, { hermetic: 'strict' })
        expect(step.failure).toContain('clean looks for secret, which it does not declare')
        expect(step.parts).toMatchObject({ kept: 0 })
      }
      box.write(
        'clean.sh',
        WORKER.replace("with open('../started', 'a')", "with open(os.devnull, 'a')"),
      )
      expect((await repro(box, { hermetic: 'strict' })).failure).toBeNull()
    })
  },
)

function prepared(): Sandbox {
  const box = sandbox()
  box.dvc('init', '--quiet')
  box.write('clean.sh', CLEAN)
  box.write('merge.sh', MERGE)
  box.write('params.yaml', 'scale: 1\n')
  box.write('dvc.yaml', pipeline(PARTS))
  return box
}

async function repro(box: Sandbox, options: Partial<ReproOptions> = {}): Promise<StepResult> {
  const { steps } = await ours(box).pipelines.repro({ targets: ['dvc.yaml'], ...options })
  const [step] = steps
  if (step === undefined) throw new Error('nothing was run')
  return step
}

function runsOf(box: Sandbox): string[] {
  return Object.keys(box.tree('.dvc/cache/runs')).toSorted()
}

function ledgers(box: Sandbox): string[] {
  const top = join(box.root, '.dvc/cache/orrery/parts')
  return Object.keys(box.tree('.dvc/cache/orrery/parts')).map((name) => join(top, name))
}

function ledgerLines(box: Sandbox): number {
  return ledgers(box)
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line !== '').length
}
