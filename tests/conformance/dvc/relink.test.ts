import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

afterAll(() => boxes.forEach((box) => box.remove()))

/** Two projects with the same data, one for dvc and one for orrery. */
function two(link: string): [Sandbox, Sandbox] {
  const made = [sandbox(), sandbox()] as const
  boxes.push(...made)
  for (const box of made) {
    box.dvc('init', '-q')
    box.dvc('config', 'cache.type', link)
    box.write('one.txt', 'one')
    box.write('folder/a', 'a')
    box.write('folder/b', 'b')
  }
  return [...made]
}

/** How each file lies in the project. */
function links(box: Sandbox, paths = ['one.txt', 'folder/a', 'folder/b']): string[] {
  return paths.map((path) => {
    const stats = lstatSync(join(box.root, path))
    return `${path}: ${stats.isSymbolicLink() ? 'symlink' : stats.nlink > 1 ? 'hardlink' : 'own'}`
  })
}

async function orrery(box: Sandbox, ...args: string[]): Promise<string> {
  const { code, out, err } = await runCommand(box.root, args)
  expect([code, err]).toEqual([0, ''])
  return out
}

test('checkout --relink places all files as cache.type is now, as dvc does', async () => {
  const [theirs, mine] = two('copy')
  for (const box of [theirs, mine]) box.dvc('add', '-q', 'one.txt', 'folder')
  for (const link of ['hardlink', 'symlink', 'copy']) {
    for (const box of [theirs, mine]) box.dvc('config', 'cache.type', link)
    const before = links(mine)
    await orrery(mine, 'checkout')
    expect(links(mine)).toEqual(before)
    theirs.dvc('checkout', '-q', '--relink')
    expect(await orrery(mine, 'checkout', '--relink')).toBe('Every file is placed anew.\n')
    expect(links(mine)).toEqual(links(theirs))
    expect(links(mine)[0]).toBe(`one.txt: ${link === 'copy' ? 'own' : link}`)
    expect(mine.dvc('status')).toContain('up to date')
    expect(await orrery(mine, 'status')).toContain('up to date')
  }
})

test('checkout --relink loses nothing that is kept nowhere else', async () => {
  const [mine] = two('copy')
  mine.dvc('add', '-q', 'one.txt', 'folder')
  mine.write('folder/a', 'changed')
  mine.dvc('config', 'cache.type', 'hardlink')
  const { code, err } = await runCommand(mine.root, ['checkout', '--relink', 'folder'])
  expect([code, err]).toEqual([2, expect.stringContaining('kept nowhere else')])
  expect(mine.read('folder/a')).toBe('changed')
})

test('add and commit --no-relink leave the files as they are, as dvc does', async () => {
  for (const link of ['hardlink', 'symlink']) {
    const [theirs, mine] = two(link)
    const stage = ['stage', 'add', '-q', '-n', 'make', '-o', 'made.txt', 'echo made > made.txt']
    const all = ['one.txt', 'folder/a', 'folder/b', 'made.txt']
    for (const box of [theirs, mine]) {
      box.dvc(...stage)
      box.write('made.txt', 'made')
    }
    theirs.dvc('add', '-q', '--no-relink', 'one.txt', 'folder')
    await orrery(mine, 'add', '-q', '--no-relink', 'one.txt', 'folder')
    for (const box of [theirs, mine]) box.write('folder/b', 'other')
    theirs.dvc('commit', '-q', '-f', '--no-relink')
    await orrery(mine, 'commit', '-q', '-f', '--no-relink')
    expect(links(mine, all)).toEqual(links(theirs, all))
    expect(links(mine, all).every((line) => line.endsWith('own'))).toBe(true)
    expect(mine.tree('.dvc/cache/files')).toEqual(theirs.tree('.dvc/cache/files'))
    expect(mine.read('dvc.lock')).toBe(theirs.read('dvc.lock'))
  }
})
