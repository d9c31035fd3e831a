import { chmodSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { initProject } from '#app/project/init'
import { statusJson } from '#protocols/dvc/status'
import { ours, sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

function project(): Sandbox {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  return box
}

afterEach(() => {
  for (const box of boxes.splice(0)) box.remove()
})

/** What is hard about names and bytes, all in one. */
function hardData(box: Sandbox): string[] {
  box.write('plain.txt', 'one\n')
  box.write('empty.bin', '')
  box.write('crlf.csv', 'a,b\r\n1,2\r\n')
  box.write('we[ird] *name#.txt', 'odd')
  box.write('!bang', 'bang')
  box.write('spaces in name.txt', 'spaces')
  box.write('tool.sh', '#!/bin/sh\n')
  chmodSync(join(box.root, 'tool.sh'), 0o755)
  box.write('deep/er/file.dat', 'deep')
  box.write('folder/b.txt', 'b')
  box.write('folder/a-b', 'x')
  box.write('folder/a/b', 'y')
  box.write('folder/a.b', 'z')
  box.write('folder/é.txt', 'one code point')
  box.write('folder/e\u0301.txt', 'two code points')
  box.write('folder/\u{1f600}.txt', 'astral')
  box.write('folder/\ufb00.txt', 'below astral in code points, above in UTF-16')
  box.write('folder/quote"back\\slash', 'q')
  box.write('folder/tab\tnew\nline\u007f', 't')
  box.write('folder/run.sh', '#!/bin/sh\n')
  chmodSync(join(box.root, 'folder/run.sh'), 0o755)
  mkdirSync(join(box.root, 'folder/nothing/inside'), { recursive: true })
  mkdirSync(join(box.root, 'hollow'))
  return [
    'plain.txt',
    'empty.bin',
    'crlf.csv',
    'we[ird] *name#.txt',
    '!bang',
    'spaces in name.txt',
    'tool.sh',
    'deep/er/file.dat',
    'folder',
    'hollow',
  ]
}

function described(box: Sandbox, paths: readonly string[]): Record<string, string> {
  const ignoreFiles = ['.gitignore', 'deep/er/.gitignore']
  return Object.fromEntries(
    [...paths.map((path) => `${path}.dvc`), ...ignoreFiles].map((path) => [path, box.read(path)]),
  )
}

function objects(box: Sandbox): Record<string, string> {
  return box.tree('.dvc/cache/files')
}

describe('add', () => {
  test('writes the .dvc files, .gitignore lines and objects that dvc writes, to the byte', async () => {
    const [theirs, mine] = [project(), project()]
    const paths = hardData(theirs)
    hardData(mine)
    theirs.dvc('add', '-q', '--', ...paths)
    await ours(mine).data.add(paths)
    expect(described(mine, paths)).toEqual(described(theirs, paths))
    expect(objects(mine)).toEqual(objects(theirs))
  })

  test('makes objects that cannot be written to by mistake', async () => {
    const box = project()
    box.write('a', 'a')
    await ours(box).data.add(['a'])
    const object = join(box.root, '.dvc/cache/files/md5/0c/c175b9c0f1b6a831c399e269772661')
    expect(statSync(object).mode & 0o777).toBe(0o444)
  })

  test('of one file in a folder that dvc tracks changes its .dvc file as dvc would', async () => {
    const changes: ((box: Sandbox) => string)[] = [
      (box) => (box.write('folder/new.txt', 'new'), 'folder/new.txt'),
      (box) => (box.write('folder/b.txt', 'changed'), 'folder/b.txt'),
      (box) => (rmSync(join(box.root, 'folder/b.txt')), 'folder/b.txt'),
      (box) => (box.write('folder/sub/x', 'x'), box.write('folder/sub/y', 'y'), 'folder/sub'),
    ]
    for (const change of changes) {
      const [theirs, mine] = [project(), project()]
      for (const box of [theirs, mine]) {
        box.write('folder/a.txt', 'a')
        box.write('folder/b.txt', 'b')
        await ours(box).data.add(['folder'])
      }
      theirs.dvc('add', '-q', change(theirs))
      await ours(mine).data.add([change(mine)])
      expect(mine.read('folder.dvc')).toBe(theirs.read('folder.dvc'))
    }
  })

  test('keeps comments, order and what people wrote about the data, as dvc does', async () => {
    const text =
      '# where it is from\nouts:\n- path: data.csv  # the table\n  md5: 60b725f10c9c85c70d97880dfe8191b3\n  hash: md5\n  size: 2\n  desc: the table\nmeta:\n  owner: us\n'
    const [theirs, mine] = [project(), project()]
    for (const box of [theirs, mine]) {
      box.write('data.csv.dvc', text)
      box.write('data.csv', 'longer than before\n')
    }
    theirs.dvc('add', '-q', 'data.csv')
    await ours(mine).data.add(['data.csv'])
    expect(mine.read('data.csv.dvc')).toBe(theirs.read('data.csv.dvc'))
  })

  test('refuses what dvc refuses', async () => {
    const box = project()
    box.write('code.py', 'x = 1\n')
    box.git('add', 'code.py')
    box.write('folder/a', 'a')
    box.write('.dvcignore', 'scratch\n')
    box.write('scratch/a', 'a')
    box.dvc('add', '-q', 'folder/a')
    const { data } = ours(box)
    for (const path of ['code.py', 'folder', 'scratch', 'missing', 'folder/a.dvc'])
      await expect(data.add([path])).rejects.toThrow(/cannot add/)
    expect(existsSync(join(box.root, 'code.py.dvc'))).toBe(false)
  })
})

describe('status and checkout', () => {
  test('what one adds is clean for the other', async () => {
    const box = project()
    const paths = hardData(box)
    box.dvc('add', '-q', '--', ...paths.slice(0, 5))
    await ours(box).data.add(paths.slice(5))
    expect(await ours(box).data.status()).toEqual([])
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })

  test('both say the same about what changed', async () => {
    const box = project()
    for (const name of ['kept', 'changed', 'gone', 'lost']) box.write(`${name}.txt`, name)
    box.write('folder/a', 'a')
    box.dvc('add', '-q', 'kept.txt', 'changed.txt', 'gone.txt', 'lost.txt', 'folder')
    box.write('changed.txt', 'other')
    box.write('folder/b', 'b')
    rmSync(join(box.root, 'gone.txt'))
    rmSync(join(box.root, '.dvc/cache/files/md5/08/e5f1a97c24aa2de1e8e8c6d36a7e5c'), {
      force: true,
    })
    const lost = /md5: (\w\w)(\w+)/.exec(box.read('lost.txt.dvc'))
    rmSync(join(box.root, '.dvc/cache/files/md5', lost?.[1] ?? '', lost?.[2] ?? ''))
    const mine = statusJson(await ours(box).data.status(), [])
    expect(mine).toEqual(JSON.parse(box.dvc('status', '--json')))
    expect(Object.keys(mine).length).toBe(4)
  })

  test('versions made by turns come back, whoever checks them out', async () => {
    const box = project()
    box.write('data/a', 'first')
    box.write('data/sub/b', 'b')
    box.write('run.sh', '#!/bin/sh\n')
    chmodSync(join(box.root, 'run.sh'), 0o755)
    await ours(box).data.add(['data', 'run.sh'])
    box.git('add', '.')
    box.git('commit', '-q', '-m', 'first')
    box.write('data/a', 'second')
    rmSync(join(box.root, 'data/sub'), { recursive: true })
    box.write('data/c', 'c')
    box.dvc('add', '-q', 'data')
    box.git('commit', '-q', '-a', '-m', 'second')
    const second = box.tree('data')

    box.git('checkout', '-q', 'HEAD~1')
    box.dvc('checkout', '-q')
    expect(box.tree('data')).toEqual({ a: 'first', 'sub/b': 'b' })
    box.git('checkout', '-q', 'main')
    rmSync(join(box.root, 'run.sh'))
    const { outs, failed } = await ours(box).data.checkout()
    expect({ outs, failed }).toEqual({
      outs: [
        { path: 'data', result: 'modified' },
        { path: 'run.sh', result: 'added' },
      ],
      failed: [],
    })
    expect(box.tree('data')).toEqual(second)
    expect(statSync(join(box.root, 'run.sh')).mode & 0o100).toBe(0o100)
    expect(box.dvc('status')).toContain('up to date')
  })

  test('checkout does not overwrite what is kept nowhere else', async () => {
    const box = project()
    box.write('data.txt', 'kept')
    box.dvc('add', '-q', 'data.txt')
    box.write('data.txt', 'an hour of work')
    await expect(ours(box).data.checkout()).rejects.toThrow(/kept nowhere else/)
    expect(box.read('data.txt')).toBe('an hour of work')
    await ours(box).data.checkout([], { force: true })
    expect(box.read('data.txt')).toBe('kept')
  })

  test('a damaged object is not handed out', async () => {
    const box = project()
    box.write('data.txt', 'sound')
    box.dvc('add', '-q', 'data.txt')
    const [, head = '', rest = ''] = /md5: (\w\w)(\w+)/.exec(box.read('data.txt.dvc')) ?? []
    const object = join(box.root, '.dvc/cache/files/md5', head, rest)
    chmodSync(object, 0o644)
    box.write(`.dvc/cache/files/md5/${head}/${rest}`, 'rotten')
    chmodSync(object, 0o444)
    rmSync(join(box.root, 'data.txt'))
    await expect(ours(box).data.checkout()).rejects.toThrow(/damaged/)
    expect(existsSync(join(box.root, 'data.txt'))).toBe(false)
    // What is damaged is put aside, and not lost as with dvc; so is one that lay open to be written to.
    box.write(`.dvc/cache/files/md5/${head}/${rest}`, 'rotten too')
    expect((await ours(box).data.checkout()).failed).toMatchObject([{ path: 'data.txt' }])
    const aside = Object.values(box.tree('.dvc/cache/orrery/damaged'))
    expect([existsSync(object), aside.length]).toEqual([false, 2])
  })

  test('a project of DVC 2 is read as it is', async () => {
    const box = project()
    box.write('old.csv', 'a,b\r\n1,2\r\n')
    // The hash of the same text with line feeds only, which is what DVC 2 took.
    box.write(
      'old.csv.dvc',
      'outs:\n- md5: 33b4b85a77e0e9e2bf8c2b8b9a1f0f4e\n  size: 10\n  path: old.csv\n',
    )
    expect((await ours(box).data.status()).map(({ change }) => change)).toEqual(['not in cache'])
    const { createHash } = await import('node:crypto')
    const md5 = createHash('md5').update('a,b\n1,2\n').digest('hex')
    box.write('old.csv.dvc', `outs:\n- md5: ${md5}\n  size: 10\n  path: old.csv\n`)
    box.write(`.dvc/cache/${md5.slice(0, 2)}/${md5.slice(2)}`, 'a,b\r\n1,2\r\n')
    chmodSync(join(box.root, `.dvc/cache/${md5.slice(0, 2)}/${md5.slice(2)}`), 0o444)
    expect(await ours(box).data.status()).toEqual([])
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })
})

describe('init, remotes, push and pull', () => {
  test('init makes the files that dvc init makes', async () => {
    const [theirs, mine] = [project(), sandbox()]
    boxes.push(mine)
    await initProject(mine.root, { noScm: false })
    for (const path of ['.dvc/config', '.dvc/.gitignore', '.dvcignore'])
      expect(mine.read(path)).toBe(theirs.read(path))
    expect(mine.git('status', '--porcelain')).toBe(theirs.git('status', '--porcelain'))
    expect(mine.dvc('status')).toContain('no data or pipelines')
  })

  test('what one pushes the other pulls, and both remotes are the same', async () => {
    const [theirs, mine] = [project(), project()]
    const paths = hardData(theirs)
    hardData(mine)
    for (const box of [theirs, mine]) {
      box.dvc('remote', 'add', '-q', '-d', 'backup', join(box.root, '../remote'))
      box.dvc('add', '-q', '--', ...paths)
    }
    theirs.dvc('push', '-q')
    const pushed = await ours(mine).data.push()
    expect(pushed.failed).toEqual([])
    expect(pushed.objects).toBeGreaterThan(15)
    expect(mine.tree('../remote')).toEqual(theirs.tree('../remote'))
    expect((await ours(mine).data.push()).objects).toBe(0)

    for (const box of [theirs, mine]) {
      rmSync(join(box.root, '.dvc/cache'), { recursive: true })
      for (const path of paths) rmSync(join(box.root, path), { recursive: true })
    }
    mine.dvc('pull', '-q')
    const { fetched, checkout } = await ours(theirs).data.pull()
    expect([fetched.failed, checkout.failed]).toEqual([[], []])
    for (const path of ['folder', 'deep']) expect(mine.tree(path)).toEqual(theirs.tree(path))
    expect(theirs.dvc('status')).toContain('up to date')
    expect(await ours(mine).data.status()).toEqual([])
  })

  test('only a part of a folder is pulled when only that is wanted', async () => {
    const box = project()
    box.dvc('remote', 'add', '-q', '-d', 'backup', join(box.root, '../remote'))
    box.write('data/wanted/a', 'a')
    box.write('data/other/b', 'b')
    box.dvc('add', '-q', 'data')
    await ours(box).data.push()
    rmSync(join(box.root, '.dvc/cache'), { recursive: true })
    rmSync(join(box.root, 'data'), { recursive: true })
    await ours(box).data.pull(['data/wanted'])
    expect(box.tree('data')).toEqual({ 'wanted/a': 'a' })
  })

  test('a folder of which a file is lost is not pushed by half', async () => {
    const box = project()
    box.dvc('remote', 'add', '-q', '-d', 'backup', join(box.root, '../remote'))
    box.write('data/a', 'a')
    box.write('data/b', 'b')
    box.dvc('add', '-q', 'data')
    rmSync(join(box.root, '.dvc/cache/files/md5/92/eb5ffee6ae2fec3ad71c777531578f'))
    const { failed } = await ours(box).data.push()
    expect(failed.map(({ path }) => path)).toEqual(['data'])
    expect(Object.keys(box.tree('../remote')).some((path) => path.endsWith('.dir'))).toBe(false)
  })
})
