import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { overridesOf } from '#stages'
import { applyOverrides } from '#app/project/overrides'
import { sandbox, type Sandbox } from './support.ts'
import { orrery } from './story.ts'

// One repository for all cases: real dvc takes most of a second a call.

const PARAMS = '# how fast\nlr: 1 # per step\nopt: {name: adam}\n'
const TRAIN = `lr=$(sed -n 's/^lr: *\\([0-9.]*\\).*/\\1/p' params.yaml)
if [ "$lr" = 666 ]; then echo "too fast" >&2; exit 3; fi
cat prepared.txt > model.txt
echo "$lr $DVC_EXP_NAME" >> log.txt
echo "{\\"acc\\": $lr, \\"deep\\": {\\"loss\\": 0.5}}" > metrics.json
echo "$lr" >> model.txt
`
const PIPELINE = `stages:
  prepare:
    cmd: cp data/raw.txt prepared.txt
    deps: [data/raw.txt]
    outs: [prepared.txt]
  train:
    cmd: sh train.sh
    deps: [prepared.txt, train.sh]
    params: [lr]
    outs: [model.txt]
    metrics:
    - metrics.json:
        cache: false
`

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  box.dvc('init', '-q')
  box.write('data/raw.txt', 'raw\n')
  box.write('params.yaml', PARAMS)
  box.write('dvc.yaml', PIPELINE)
  box.write('train.sh', TRAIN)
  box.write('.gitignore', 'log.txt\n')
  await ours('add', 'data/raw.txt')
  await ours('repro', '--no-record')
  box.git('add', '-A')
  box.git('commit', '-q', '-m', 'base')
})
afterAll(() => box.remove())

/** What it prints, where it succeeds. */
async function ours(...args: string[]): Promise<string> {
  const { ok, output } = await orrery(box.root, args)
  if (!ok) throw new Error(output)
  return output
}

async function refused(...args: string[]): Promise<string> {
  const { ok, output } = await orrery(box.root, args)
  if (ok) throw new Error(`it was not refused: ${output}`)
  return output
}

function refs(): string {
  return box.git('for-each-ref', '--format=%(refname) %(objectname)', 'refs/exps')
}

/** All that a failed experiment must leave as it was. */
function standing(): unknown {
  const files = ['params.yaml', 'dvc.lock', 'metrics.json', 'model.txt', 'prepared.txt']
  return [box.git('status', '--porcelain'), ...files.map((file) => box.read(file))]
}

describe('an experiment in the folder', () => {
  test('is what dvc shows, lists, compares, branches and applies', async () => {
    await ours('exp', 'run', '-S', 'lr=2', '-n', 'two', '--no-record')
    expect(box.read('params.yaml')).toBe(PARAMS.replace('lr: 1', 'lr: 2'))
    expect(box.read('model.txt')).toBe('raw\n2\n')
    expect(readFileSync(join(box.root, 'log.txt'), 'utf8')).toContain('2 two')
    expect(box.git('stash', 'list')).toBe('')
    const head = box.git('rev-parse', 'HEAD').trim()
    expect(box.git('log', '-1', '--format=%s %P', refOf('two'))).toMatch(
      new RegExp(`^dvc: commit experiment [0-9a-f]{64} ${head}\n$`),
    )
    expect(box.dvc('exp', 'list')).toContain('[two]')
    expect(box.dvc('status')).toContain('up to date')
    const theirs = JSON.parse(box.dvc('exp', 'show', '--json')) as unknown
    expect(JSON.parse(await ours('exp', 'show', '--json'))).toEqual(theirs)
    expect(await ours('exp', 'show', '--csv')).toBe(
      box.dvc('exp', 'show', '--csv').replaceAll('\r', ''),
    )
  })

  test('that fails leaves folder and refs as they were', async () => {
    const before = [standing(), refs()]
    const output = await refused('exp', 'run', '-S', 'lr=666', '-n', 'broken', '--no-record')
    expect(output).toContain('too fast')
    expect(output).toContain('broken failed; this folder is as it was')
    expect([standing(), refs()]).toEqual(before)
  })

  test('that fails late undoes what its first stages did', async () => {
    const before = standing()
    box.write('dvc.yaml', PIPELINE.replace('cp data/raw.txt', 'tr a-z A-Z < data/raw.txt >'))
    await refused('exp', 'run', '-S', 'lr=666', '--no-record')
    expect(box.read('prepared.txt')).toBe('raw\n')
    box.write('dvc.yaml', PIPELINE)
    expect(standing()).toEqual(before)
  })

  test.each([
    [['-S', 'nothing=1'], 'write +nothing=1 to add it'],
    [['-S', 'absent.yaml:a=1'], 'absent.yaml is not there'],
    [['-S', '../out.yaml:a=1'], 'names no file of the project'],
    [['-n', '../evil'], 'cannot be the name of an experiment'],
    [['-n', '--force'], ''],
    [['-n', 'two'], 'the experiment two exists already'],
    [['-j', '0'], 'must be a whole number'],
  ])('%j is refused before anything changes', async (flags, why) => {
    const before = [standing(), refs()]
    expect(await refused('exp', 'run', '--no-record', ...flags)).toContain(why)
    expect([standing(), refs()]).toEqual(before)
  })

  test('writes no parameter through a link that leads out', async () => {
    symlinkSync('/etc/hostname', join(box.root, 'link.yaml'))
    await expect(applyOverrides(box.root, overridesOf(['link.yaml:+a=1']))).rejects.toThrow(
      'no plain file',
    )
    rmSync(join(box.root, 'link.yaml'))
  })
})

describe('experiments beside the folder', () => {
  test('sweep over values, several at once, and leave the folder alone', async () => {
    const before = standing()
    await ours(
      'exp',
      'run',
      '-S',
      'lr=3,4',
      '-S',
      "opt.name=adam,'s, g'",
      '-n',
      'grid',
      '-j',
      '2',
      '--no-record',
    )
    await ours('exp', 'run', '-S', 'lr=5', '-n', 'temp', '--temp', '--no-record')
    expect(standing()).toEqual(before)
    expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
    expect(box.git('show', `${refOf('grid-4')}:params.yaml`)).toBe(
      '# how fast\nlr: 4 # per step\nopt: {name: "s, g"}\n',
    )
    const sorted = ['--sort-by', 'acc', '--sort-order', 'desc', '--keep', 'acc', '--drop', '.*']
    const rows = (await ours('exp', 'show', '--csv', ...sorted)).trim().split('\n')
    expect(rows[0]).toBe('Experiment,rev,typ,Created,parent,acc')
    const accuracies = rows.slice(3).map((row) => `${row.split(',')[0]} ${row.split(',')[5]}`)
    expect(accuracies.map((each) => each.split(' ')[1])).toEqual(['5', '4', '4', '3', '3', '2'])
    expect(accuracies.toSorted()).toEqual([
      'grid-1 3',
      'grid-2 3',
      'grid-3 4',
      'grid-4 4',
      'temp 5',
      'two 2',
    ])
  })

  test('wait in the queue that dvc sees, and dvc takes ours on', async () => {
    await ours('exp', 'run', '--queue', '-S', 'lr=7', '-n', 'seven')
    await ours('exp', 'run', '--queue', '-S', 'lr=666', '-n', 'broken')
    const theirs = box.dvc('queue', 'status')
    expect(theirs).toMatch(/seven +.*Queued/)
    expect(theirs).toMatch(/broken +.*Queued/)
    const shown = JSON.parse(await ours('exp', 'show', '--json')) as unknown
    expect(shown).toEqual(JSON.parse(box.dvc('exp', 'show', '--json')))
    box.dvc('queue', 'remove', 'seven')
    expect(await ours('exp', 'queue', 'status')).not.toContain('seven')
    box.dvc('exp', 'run', '--queue', '-S', 'lr=8', '-n', 'eight')
    const told = await refused('exp', 'run', '--run-all', '-j', '2', '--no-record')
    expect(told).toContain('eight: kept as')
    expect(told).toContain('broken: failed: train: ')
    expect(await ours('exp', 'queue', 'logs', 'broken')).toContain('too fast')
    expect(box.dvc('queue', 'status')).toContain('No experiment tasks in the queue')
    expect(box.git('ls-tree', '-r', '--name-only', refOf('eight'))).not.toContain('tmp')
    expect(await ours('exp', 'queue', 'remove', '--all')).toContain('removed broken')
  })
})

describe('what was kept', () => {
  test('is applied by either program, and work that is recorded nowhere stays', async () => {
    await ours('exp', 'apply', 'eight')
    expect(box.read('model.txt')).toBe('raw\n8\n')
    expect(box.dvc('status')).toContain('up to date')
    box.dvc('exp', 'apply', 'two')
    expect(box.read('model.txt')).toBe('raw\n2\n')
    box.write('params.yaml', 'lr: 99\nopt: {name: mine}\n')
    expect(await refused('exp', 'apply', 'temp')).toContain('recorded nowhere: params.yaml')
    expect(box.read('params.yaml')).toContain('mine')
    const { before } = JSON.parse(await ours('exp', 'apply', 'temp', '--force', '--json')) as {
      before: string
    }
    expect(box.git('show', `${before}:params.yaml`)).toContain('mine')
    expect(box.read('params.yaml')).toBe(PARAMS.replace('lr: 1', 'lr: 5'))
    rmSync(join(box.root, 'model.txt'))
    box.write('model.txt', 'by hand\n')
    expect(await refused('exp', 'apply', 'two')).toContain('model.txt')
    expect(box.read('model.txt')).toBe('by hand\n')
    await ours('exp', 'apply', 'two', '--force')
  })

  test('is branched, renamed and removed, seen by dvc', async () => {
    await ours('exp', 'rename', 'temp', 'five')
    expect(await refused('exp', 'rename', 'five', 'two')).toContain('exists already')
    expect(await ours('exp', 'branch', 'five')).toContain('five-branch')
    expect(await refused('exp', 'branch', 'five')).toContain('exists already')
    expect(box.git('rev-parse', 'five-branch')).toBe(box.git('rev-parse', refOf('five')))
    await ours('exp', 'remove', 'grid-1', 'grid-2')
    expect(await refused('exp', 'remove', 'grid-1')).toContain('there is no experiment grid-1')
    const named = box.dvc('exp', 'list', '--name-only').trim().split('\n')
    expect(named.toSorted()).toEqual(['eight', 'five', 'grid-3', 'grid-4', 'two'])
    expect(JSON.parse(await ours('exp', 'diff', 'two', 'five', '--json'))).toEqual(
      JSON.parse(box.dvc('exp', 'diff', 'two', 'five', '--json')),
    )
  })

  test('of the folder as it stands is saved without a run', async () => {
    box.write('metrics.json', '{"acc": 0.125}\n')
    box.write('notes.txt', 'mine\n')
    await ours('exp', 'save', '-n', 'saved', '-I', 'notes.txt', '-m', 'by hand')
    expect(box.git('show', `${refOf('saved')}:notes.txt`)).toBe('mine\n')
    expect(box.git('log', '-1', '--format=%s', refOf('saved')).trim()).toBe('by hand')
    expect(box.dvc('exp', 'show', '--csv')).toContain('0.125')
    rmSync(join(box.root, 'notes.txt'))
    await ours('exp', 'apply', 'two')
  })

  test('goes to a Git remote with its data, and from there into a clone', async () => {
    const [remote, store, clone] = ['remote.git', 'store', 'clone'].map((name) =>
      join(box.root, '..', name),
    )
    box.git('init', '-q', '--bare', '-b', 'main', remote ?? '')
    box.git('remote', 'add', 'origin', remote ?? '')
    await ours('remote', 'add', '-d', 'store', store ?? '')
    box.git('add', '.dvc/config')
    box.git('commit', '-q', '-m', 'remote', '--', '.dvc/config')
    box.git('push', '-q', 'origin', 'HEAD')
    expect(await refused('exp', 'push', 'nowhere', 'two')).toContain('is no Git remote')
    expect(await refused('exp', 'push', 'ext::sh -c touch% evil', 'two')).toContain(
      'is no Git remote',
    )
    await ours('exp', 'push', 'origin', 'two', 'eight')
    expect(box.dvc('exp', 'list', 'origin', '-A')).toContain('eight')
    box.git('clone', '-q', remote ?? '', clone ?? '')
    const there = await orrery(clone ?? '', ['exp', 'pull', 'origin', 'eight'])
    expect(there.output).toContain('eight brought from origin')
    const applied = await orrery(clone ?? '', ['exp', 'apply', 'eight'])
    expect(applied.output).toContain('this folder holds eight')
    expect(readFileSync(join(clone ?? '', 'model.txt'), 'utf8')).toBe('raw\n8\n')
    await ours('exp', 'remove', '-g', 'origin', 'eight')
    expect(box.git('ls-remote', 'origin')).not.toContain('eight')
    expect(existsSync(join(box.root, 'evil'))).toBe(false)
  })
})

/** The ref of an experiment, wherever it was made from. */
function refOf(name: string): string {
  return (
    box
      .git('for-each-ref', '--format=%(refname)', 'refs/exps')
      .split('\n')
      .find((ref) => ref.endsWith(`/${name}`)) ?? name
  )
}
