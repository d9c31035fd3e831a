import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ours, sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

function project(files: Record<string, string> = {}): Sandbox {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  for (const [path, text] of Object.entries(files)) box.write(path, text)
  return box
}

afterEach(() => {
  for (const box of boxes.splice(0)) box.remove()
})

describe('.dvcignore', () => {
  test('leaves out of data what dvc leaves out', async () => {
    const names = [
      'a.log',
      'a.txt',
      'keep.log',
      'A.LOG',
      'deep/a.log',
      'deep/keep.log',
      'build/x',
      'deep/build/x',
      'only/here',
      'deep/only/here',
      'tmp-1',
      'tmp-22',
      'x.bak',
      'deep/er/x.bak',
      '#odd',
      'sp ace',
      '.git-not',
      'star*',
    ]
    const rules =
      '*.log\n!keep.log\nbuild/\n/data/only\ntmp-?\n**/er/*.bak\n\\#odd\n  sp ace  \nstar\\*\n# a comment\n'
    const files = Object.fromEntries(names.map((name) => [`data/${name}`, name]))
    const [theirs, mine] = [
      project({ ...files, '.dvcignore': rules }),
      project({ ...files, '.dvcignore': rules }),
    ]
    theirs.dvc('add', '-q', 'data')
    await ours(mine).data.add(['data'])
    expect(mine.tree('.dvc/cache')).toEqual(theirs.tree('.dvc/cache'))
    expect(mine.read('data.dvc')).toBe(theirs.read('data.dvc'))
  })

  test('of a deeper folder has the last word', async () => {
    const files = {
      '.dvcignore': '*.tmp\n',
      'sub/.dvcignore': '!b.tmp\nc\n',
      'sub/data/a.tmp': 'a',
      'sub/data/b.tmp': 'b',
      'sub/data/c': 'c',
      'sub/data/d': 'd',
    }
    const [theirs, mine] = [project(files), project(files)]
    theirs.dvc('add', '-q', 'sub/data')
    await ours(mine).data.add(['sub/data'])
    expect(mine.read('sub/data.dvc')).toBe(theirs.read('sub/data.dvc'))
  })
})

describe('links into the cache', () => {
  for (const type of ['hardlink', 'symlink'])
    test(`made by one as ${type} are right for the other`, async () => {
      const box = project({ 'mine/a': 'a', 'theirs/b': 'b', single: 'x' })
      box.dvc('config', 'cache.type', type)
      await ours(box).data.add(['mine', 'single'])
      box.dvc('add', '-q', 'theirs')
      const kind = (path: string) => {
        const stats = lstatSync(join(box.root, path))
        return stats.isSymbolicLink() ? 'symlink' : stats.nlink > 1 ? 'hardlink' : 'copy'
      }
      expect(['mine/a', 'single', 'theirs/b'].map(kind)).toEqual([type, type, type])
      expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
      expect(await ours(box).data.status()).toEqual([])
      for (const path of ['mine', 'theirs']) rmSync(join(box.root, path), { recursive: true })
      await ours(box).data.checkout()
      expect(kind('theirs/b')).toBe(type)
      expect(box.dvc('checkout')).not.toMatch(/^[AMD]/m)
    })

  test('do not let a stage that writes over its output change the cache', async () => {
    const box = project({
      input: 'one',
      'dvc.yaml':
        'stages:\n  log: {cmd: cat input >> log, deps: [input], outs: [log: {persist: true}]}\n',
    })
    box.dvc('config', 'cache.type', 'hardlink')
    await ours(box).pipelines.repro({ targets: [] })
    const first = box.tree('.dvc/cache/files')
    box.write('input', 'two')
    const { outcome } = await ours(box).pipelines.repro({ targets: [] })
    expect([outcome, box.read('log')]).toEqual(['succeeded', 'onetwo'])
    expect(box.tree('.dvc/cache/files')).toMatchObject(first)
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })
})

describe('pipelines in several folders', () => {
  const files = {
    'dvc.yaml':
      'stages:\n  last: {cmd: cat a/out b/c/out > all, deps: [a/out, b/c/out], outs: [all]}\n',
    'a/dvc.yaml': 'stages:\n  make: {cmd: cp ../in out, deps: [../in], outs: [out]}\n',
    'b/dvc.yaml':
      'stages:\n  make: {wdir: c, cmd: cp ../../in out, deps: [../../in], outs: [out: {cache: false}]}\n',
    'b/c/keep': '',
    in: 'in',
  }

  test('run in the order of what they need, and write their own locks', async () => {
    const [theirs, mine] = [project(files), project(files)]
    theirs.dvc('repro', '-q')
    const { steps } = await ours(mine).pipelines.repro({ targets: ['dvc.yaml'] })
    expect(steps.map(({ name, action }) => [name, action])).toEqual([
      ['a/dvc.yaml:make', 'run'],
      ['b/dvc.yaml:make', 'run'],
      ['last', 'run'],
    ])
    for (const lock of ['dvc.lock', 'a/dvc.lock', 'b/dvc.lock'])
      expect(mine.read(lock)).toBe(theirs.read(lock))
    expect(mine.tree('.dvc/cache')).toEqual(theirs.tree('.dvc/cache'))
    expect(mine.dvc('status')).toContain('up to date')
  })

  test('run only what a target needs', async () => {
    const mine = project(files)
    const { steps } = await ours(mine).pipelines.repro({ targets: ['a/dvc.yaml:make'] })
    expect(steps.map(({ name }) => name)).toEqual(['a/dvc.yaml:make'])
    await expect(ours(mine).pipelines.repro({ targets: ['nothing'] })).rejects.toThrow(
      /names no stage/,
    )
  })
})

describe('two that work by turns', () => {
  test('never run a stage again that the other has run', async () => {
    const box = project({
      'params.yaml': 'n: 0\n',
      'dvc.yaml':
        'stages:\n  a: {cmd: "echo ${n} > a", params: [n], outs: [a]}\n  b: {cmd: cat a a > b, deps: [a], outs: [b]}\n',
    })
    for (let round = 0; round < 4; round++) {
      box.write('params.yaml', `n: ${round}\n`)
      if (round % 2 === 0) box.dvc('repro', '-q')
      else await ours(box).pipelines.repro({ targets: [] })
      const { steps } = await ours(box).pipelines.repro({ targets: [] })
      expect(steps.map(({ action }) => action)).toEqual(['up-to-date', 'up-to-date'])
      expect(box.dvc('repro')).not.toContain('Running')
      expect(box.read('b')).toBe(`${round}\n${round}\n`)
    }
  })

  test('keep out of each other’s way', async () => {
    const box = project({
      'dvc.yaml': 'stages:\n  slow: {cmd: sleep 3 && touch out, outs: [out]}\n',
    })
    const running = ours(box).pipelines.repro({ targets: [] })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    // dvc itself waits 3 s for its lock, so it fails by the paths in use and not by that.
    expect(() => box.dvc('repro')).toThrow(/busy|blocked/)
    expect((await running).outcome).toBe('succeeded')
    expect(box.dvc('status')).toContain('up to date')
  })
})
