import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { run, toldToDvc, toldToOrrery, write, type Step, type Told } from './story.ts'
import { sandbox, treeOf, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

afterAll(() => {
  for (const box of boxes) box.remove()
})

/** Tells one story to dvc and to orrery, each in a repository of its own. */
async function twins(steps: readonly Step[]): Promise<{ dvc: Told; ours: Told; names: string[] }> {
  const [theirs, mine] = [sandbox(), sandbox()]
  boxes.push(theirs, mine)
  const names = steps.flatMap((step) => (step.do === 'run' ? [step.args.join(' ')] : []))
  const dvc = toldToDvc(theirs.root, steps)
  return { dvc, ours: await toldToOrrery(mine.root, steps), names }
}

/** What each command did: whether it succeeded, and the files that are different after it. */
function deeds(told: Told, names: readonly string[]): unknown[] {
  return names.map((name, index) => {
    const before = told.files[index - 1] ?? {}
    const after = told.files[index] ?? {}
    const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
    return {
      name,
      ok: told.commands[index]?.ok,
      files: Object.fromEntries(
        paths
          .filter((path) => before[path] !== after[path] && !isLeftOver(path))
          .map((path) => [path, shownFile(path, after[path])]),
      ),
    }
  })
}

/** dvc leaves these behind in the cache, among them lists of folders in the way of DVC 2 that nothing refers to. */
function isLeftOver(path: string): boolean {
  return /^\.dvc\/cache\/(?:.*\/\.[^/]+\.tmp|[0-9a-f]{2}\/[0-9a-f]{30}\.dir)$/.test(path)
}

/** dvc takes from a group and from others what they may do with an executable file; we leave it. */
function shownFile(path: string, text: string | undefined): string {
  if (text === undefined) return 'gone'
  return path.startsWith('.dvc/') ? text : text.replace(/^7[0-7]{2} /, '744 ')
}

interface Compared {
  readonly dvc: Told
  readonly ours: Told
  readonly same: { readonly dvc: unknown; readonly ours: unknown }
}

async function both(steps: readonly Step[]): Promise<Compared> {
  const { dvc, ours, names } = await twins(steps)
  return { dvc, ours, same: { dvc: deeds(dvc, names), ours: deeds(ours, names) } }
}

const within = (folder: string, ...args: string[]): Step => ({ do: 'run', args, in: folder })
const git = (...args: string[]): Step => ({ do: 'git', args })
const remove = (path: string): Step => ({ do: 'remove', path })

test('add does what dvc add does, with all of its options', async () => {
  const { same } = await both([
    run('init', '-q'),
    write('plain.txt', 'one\n'),
    write('empty', ''),
    write('run.sh', '#!/bin/sh\n', 0o755),
    run('add', '-q', 'plain.txt', 'empty', 'run.sh'),
    write('plain.txt', 'two\n'),
    run('add', '-q', '--no-commit', 'plain.txt'),
    run('add', '-q', 'plain.txt'),
    write('data/a', 'a'),
    write('data/deep/b', 'b'),
    run('add', '-q', '--no-commit', 'data'),
    run('add', '-q', 'data'),
    write('data/deep/c', 'c'),
    within('data/deep', 'add', '-q', 'c'),
    remove('data/deep/b'),
    run('add', '-q', 'data/deep/b'),
    write('many/x.csv', 'x'),
    write('many/.hidden.csv', 'h'),
    write('many/in/z.csv', 'z'),
    write('many/z.txt', 'no'),
    run('add', '-q', '--glob', 'many/*.csv'),
    run('add', '-q', '--glob', 'many/**/z.*'),
    run('add', '-q', '--glob', 'many/*.parquet'),
    write('source/s.bin', 's'),
    write('source/t/u', 'u'),
    run('add', '-q', 'source/s.bin', '-o', 'copied.bin'),
    run('add', '-q', 'source/s.bin', '-o', 'copied.bin'),
    write('source/s.bin', 's2'),
    run('add', '-q', 'source/s.bin', '-f', '--out', 'copied.bin'),
    write('place/other', 'o'),
    run('add', '-q', 'source', '-o', 'place'),
    run('add', '-q', 'source/s.bin', 'source/t', '-o', 'both'),
    run('add', '-q', '--no-commit', 'source/t', '-o', 'both'),
    run('add', '-q', '-r', 'nowhere', 'source'),
    run('add', '-q', 'missing'),
    run('add', '-q', 'source'),
    run('add', '-q', 'source/t'),
    write('odd/we[ird] *name#.txt', 'odd'),
    write('odd/!bang', 'bang'),
    write('odd/ünï cödé', 'u'),
    run('add', '-q', 'odd/we[ird] *name#.txt', 'odd/!bang', 'odd/ünï cödé'),
    { do: 'link', path: 'link.txt', to: 'many/z.txt' },
    run('add', '-q', 'link.txt'),
    { do: 'link', path: 'linked/in.txt', to: '../many/z.txt' },
    write('linked/real', 'r'),
    run('add', '-q', 'linked'),
    { do: 'link', path: 'toFolder', to: 'many' },
    run('add', '-q', 'toFolder'),
    run('add', '-q', 'toFolder/z.txt'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('remove and move do what those of dvc do', async () => {
  const { same } = await both([
    run('init', '-q'),
    write('a', 'a'),
    write('b', 'b'),
    write('c/d', 'd'),
    write('sub/e', 'e'),
    write('keep.txt', 'k'),
    write('.gitignore', '*.tmp\n'),
    run('add', '-q', 'a', 'b', 'c', 'sub/e', 'keep.txt'),
    run('remove', '-q', 'a'),
    run('remove', '-q', 'a.dvc'),
    run('remove', '-q', 'a.dvc'),
    run('remove', '-q', '--outs', 'b.dvc', 'c.dvc'),
    within('sub', 'remove', '-q', 'e.dvc'),
    run('add', '-q', 'a', 'sub/e'),
    run('move', '-q', 'a', 'renamed'),
    run('mv', '-q', 'renamed', 'sub'),
    within('sub', 'move', '-q', 'renamed', '../back'),
    run('move', '-q', 'nothing', 'else'),
    run('move', '-q', 'keep.txt', 'sub/e.dvc'),
    write('keep.txt', 'changed'),
    run('move', '-q', 'keep.txt', 'kept.txt'),
    remove('kept.txt'),
    run('move', '-q', 'kept.txt', 'gone.txt'),
    write('hand.dvc', 'outs:\n- path: sub/manual\n  desc: by hand\n'),
    write('sub/manual', 'm'),
    run('commit', '-q', '-f', 'hand.dvc'),
    run('move', '-q', 'sub/manual', 'sub/moved'),
    write('f/g', 'g'),
    run('add', '-q', 'f'),
    run('move', '-q', 'f', 'h'),
    run('rm', '-q', 'h.dvc', '--outs'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('commit records what dvc commit records', async () => {
  const { same } = await both([
    run('init', '-q'),
    write('a', 'a'),
    write('d/x', 'x'),
    run('add', '-q', '--no-commit', 'a', 'd'),
    run('commit', '-q'),
    write('a', 'a2'),
    run('commit', '-q'),
    run('commit', '-q', '-f', 'a.dvc'),
    write('d/x', 'x2'),
    write('d/y', 'y'),
    run('commit', '-q', '-f', 'd'),
    write('in/b', 'b'),
    run('add', '-q', 'in/b'),
    write('in/b', 'b2'),
    run('commit', '-q', '-f', '-R', 'in'),
    run('commit', '-q', 'nothing'),
    write(
      'two.dvc',
      '# two of them\nouts:\n- path: one.txt  # first\n- path: two\n  cache: false\nmeta:\n  a: 1\n',
    ),
    write('one.txt', '1'),
    write('two', '2'),
    run('commit', '-q', 'two.dvc'),
    run('commit', '-q', '-f', 'two.dvc'),
    write('one.txt', '1b'),
    run('add', '-q', 'one.txt'),
    write(
      'dvc.yaml',
      'stages:\n  make:\n    cmd: cp a out\n    deps:\n    - a\n    outs:\n    - out\n',
    ),
    write('out', 'by hand'),
    run('commit', '-q', 'make'),
    run('commit', '-q', '-f', 'make'),
    write('a', 'a3'),
    run('commit', '-q', '-f', '-d', 'make'),
    remove('a'),
    run('commit', '-q', '-f', 'a.dvc'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('what is sent to a remote alone is tracked as dvc tracks it', async () => {
  const { same } = await both([
    run('init', '-q'),
    run('remote', 'add', '-q', '-d', 'near', '../near'),
    write('../elsewhere/one.txt', 'one'),
    write('../elsewhere/folder/a', 'a'),
    write('../elsewhere/folder/b/c', 'c'),
    run('add', '-q', '--to-remote', '../elsewhere/one.txt'),
    run('add', '-q', '--to-remote', '../elsewhere/folder', '-o', 'named'),
    run('add', '-q', '--to-remote', '../elsewhere/folder', '-r', 'nowhere', '-o', 'other'),
    run('add', '-q', '--to-remote', '../elsewhere/missing'),
    run('add', '-q', '--to-remote', '../elsewhere/one.txt', '../elsewhere/folder'),
    run('pull', '-q', 'named'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('stages are removed as dvc removes them', async () => {
  const stages = [
    '# top',
    'stages:',
    '  # first',
    '  a:',
    '    cmd: echo a > a  # why',
    '    outs:',
    '    - a',
  ]
  const more = [
    '  b:',
    '    cmd: echo b > b',
    '    deps:',
    '    - a',
    '    metrics:',
    '    - b:',
    '        cache: false',
  ]
  const each = [
    '  each:',
    '    foreach:',
    '    - x',
    '    - y',
    '    do:',
    '      cmd: echo ${item}',
  ]
  const { same } = await both([
    run('init', '-q'),
    write('dvc.yaml', [...stages, ...more, ...each, ''].join('\n')),
    run('repro'),
    run('remove', '-q', 'each@x'),
    run('remove', '-q', 'nothing'),
    run('remove', '-q', 'a'),
    run('remove', '-q', '--outs', 'b'),
    write('dvc.yaml', [...stages, ...more, ''].join('\n')),
    run('repro'),
    run('remove', '-q', '--outs', 'dvc.yaml'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('links are let go as dvc lets them go', async () => {
  for (const type of ['hardlink', 'symlink']) {
    const { same } = await both([
      run('init', '-q'),
      run('config', '-q', 'cache.type', type),
      write('a', 'a'),
      write('d/x', 'x'),
      run('add', '-q', 'a', 'd'),
      run('unprotect', 'a'),
      run('unprotect', 'd', 'a'),
      run('unprotect', 'nothing'),
      run('add', '-q', 'a', 'd'),
      run('remove', '-q', 'a.dvc'),
      run('move', '-q', 'd', 'e'),
    ])
    expect(same.ours).toEqual(same.dvc)
  }
})

test('with autostage Git is told what dvc tells it', async () => {
  const { same } = await both([
    run('init', '-q'),
    run('config', 'core.autostage', 'true'),
    write('a', 'a'),
    write('s/b', 'b'),
    run('add', '-q', 'a', 's/b'),
    git('commit', '-q', '-m', 'one'),
    run('move', '-q', 'a', 's/a'),
    write('s/b', 'b2'),
    run('commit', '-q', '-f', 's/b'),
    run('remove', '-q', 's/a.dvc'),
    run('add', '-q', 's/a'),
  ])
  expect(same.ours).toEqual(same.dvc)
})

test('data of DVC 2 keeps its hash until it changes', async () => {
  const md5 = '1b40dd91ad1e1ad4b0e1f0a2ba5fc5d1'
  const { dvc, same } = await both([
    run('init', '-q'),
    write('old.txt', 'a\r\nb\r\n'),
    write(
      'old.txt.dvc',
      'outs:\n- md5: 8f1e3e0b5ac1e0a3d4dbcb2a21b3a0e5\n  size: 6\n  path: old.txt\n',
    ),
    run('add', '-q', 'old.txt'),
    write('folder/a', 'a\n'),
    write('folder/b', 'b\r\n'),
    write('folder.dvc', `outs:\n- md5: ${md5}.dir\n  path: folder\n`),
    run('add', '-q', 'folder'),
  ])
  expect(same.ours).toEqual(same.dvc)
  expect(dvc.commands.every(({ ok }) => ok)).toBe(true)
})

test('check-ignore answers as dvc check-ignore does', async () => {
  const { dvc, ours, same } = await both([
    run('init', '-q'),
    write('.dvcignore', '# rules\n*.log\n!keep.log\n  spaced.txt  \nonly/\n/top\na/**/z\n'),
    write('sub/.dvcignore', 'local\n!*.log\n'),
    write('sub/x.log', 'x'),
    write('only/file', 'f'),
    write('keep.log', 'k'),
    run('check-ignore', 'x.log', 'keep.log', 'plain'),
    run('check-ignore', '-d', 'x.log', 'keep.log', 'plain', 'only', 'only/file', 'sub/local'),
    run('check-ignore', '-d', '-n', 'plain', 'x.log', 'sub/x.log', 'spaced.txt', 'top', 'sub/top'),
    run('check-ignore', '-d', '-a', 'a/b/c/z', 'sub/keep.log', 'a/z'),
    run('check-ignore', '-q', 'plain'),
    run('check-ignore', '-n', 'plain'),
    run('check-ignore'),
    within('sub', 'check-ignore', '-d', 'local', '../x.log', 'x.log'),
  ])
  expect(same.ours).toEqual(same.dvc)
  const answers = (told: Told) =>
    told.commands.map(({ ok, output }) =>
      ok || output === '' ? output.split(/[\t ]+/) : 'refused',
    )
  expect(answers(ours)).toEqual(answers(dvc))
})

test('what a stage needs is pushed and checked out with it, and what is missing may be', async () => {
  const box = sandbox()
  try {
    const store = join(box.root, '..', 'store')
    box.dvc('init', '-q')
    box.write('raw.txt', 'raw\n')
    box.write('other.txt', 'other\n')
    box.dvc('add', '-q', 'raw.txt', 'other.txt')
    box.dvc(
      'stage',
      'add',
      '-q',
      '-n',
      'prep',
      '-d',
      'raw.txt',
      '-o',
      'mid.txt',
      'echo 1 > mid.txt',
    )
    box.dvc(
      'stage',
      'add',
      '-q',
      '-n',
      'train',
      '-d',
      'mid.txt',
      '-o',
      'out.txt',
      'echo 2 > out.txt',
    )
    box.dvc('repro', '-q')
    box.dvc('remote', 'add', '-q', '-d', 'st', store)
    box.dvc('push', '-q', '--with-deps', 'train')
    const theirs = treeOf(store, '')
    rmSync(store, { recursive: true })
    await runCommand(box.root, ['push', '--with-deps', 'train'])
    expect(treeOf(store, '')).toEqual(theirs)
    const files = ['raw.txt', 'mid.txt', 'out.txt', 'other.txt']
    const present = () => files.filter((file) => existsSync(join(box.root, file)))
    const forget = (more: readonly string[] = []) => {
      for (const path of [...files, ...more])
        rmSync(join(box.root, path), { recursive: true, force: true })
    }
    const calls: [string[], string][] = [
      [['checkout', '-d', 'train', '--summary'], '3 added, 0 modified\n'],
      [['checkout', '-q'], ''],
    ]
    for (const [args, out] of calls) {
      forget()
      box.dvc(...args.filter((each) => each !== '--summary'))
      const there = present()
      forget()
      expect(await runCommand(box.root, args)).toEqual({ code: 0, out, err: '' })
      expect(present()).toEqual(there)
    }
    forget(['.dvc/cache'])
    box.dvc('checkout', '--allow-missing')
    const missing = await runCommand(box.root, ['checkout', '--allow-missing'])
    expect(missing).toMatchObject({ code: 0, err: '' })
    expect(missing.out).toMatch(/^missing {2}other.txt: 1 of 1 objects are not in the cache/)
    expect((await runCommand(box.root, ['checkout'])).code).toBe(1)
  } finally {
    box.remove()
  }
})
