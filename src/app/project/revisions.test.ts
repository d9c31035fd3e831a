import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRevisions, type ProjectRevisions } from './revisions.ts'

const top = mkdtempSync(join(tmpdir(), 'orrery-revisions-'))
const root = join(top, 'repository', 'project')
const MD5 = { a: 'a'.repeat(32), b: 'b'.repeat(32), c: `${'c'.repeat(32)}.dir` }
let revisions: ProjectRevisions

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    stdio: 'pipe',
    env: { ...process.env, GIT_COMMITTER_DATE: `${2000 + commits}-01-01T00:00:00Z` },
  })
    .toString()
    .trim()
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

let commits = 0

function committed(): string {
  commits += 1
  git('add', '-A')
  git('commit', '-q', '-m', `commit ${commits}`)
  return git('rev-parse', 'HEAD')
}

function tracked(md5: string, path: string): string {
  return `outs:\n- md5: ${md5}\n  size: 1\n  hash: md5\n  path: ${path}\n`
}

const hashes: string[] = []

beforeAll(() => {
  mkdirSync(root, { recursive: true })
  git('init', '-q', '-b', 'main', '..')
  git('config', 'user.email', 'tests@example.org')
  git('config', 'user.name', 'Tests')
  writeFileSync(join(root, '..', 'README'), 'before the project')
  hashes.push(committed())
  write('.dvc/config', '')
  write('data.bin.dvc', tracked(MD5.a, 'data.bin'))
  write('deep/er/x.dvc', tracked(MD5.c, 'x'))
  hashes.push(committed())
  git('tag', '-a', 'v1', '-m', 'one')
  write('data.bin.dvc', tracked(MD5.b, 'data.bin'))
  write('names.yaml', 'out: model\n')
  write(
    'dvc.yaml',
    'vars:\n- names.yaml\nstages:\n  train:\n    cmd: ls\n    outs:\n    - ${out}.bin\n',
  )
  write(
    'dvc.lock',
    `schema: '2.0'\nstages:\n  train:\n    cmd: ls\n    outs:\n    - path: model.bin\n      hash: md5\n      md5: ${MD5.a}\n      size: 1\n`,
  )
  write('.dvcignore', 'hidden\n')
  write('hidden/y.dvc', tracked(MD5.a, 'y'))
  hashes.push(committed())
  git('checkout', '-q', '-b', 'other', 'v1')
  write('only.txt', 'on the other branch\n')
  hashes.push(committed())
  write('broken.dvc', 'outs: 1\n')
  hashes.push(committed())
  git('reset', '-q', '--hard', 'HEAD~1')
  git('checkout', '-q', 'main')
  revisions = openRevisions(root, { commandStyle: { bool: 'store_true', list: 'nargs' } })
})

afterAll(() => {
  revisions.close()
  rmSync(top, { recursive: true, force: true })
})

describe('the revisions of a project', () => {
  test('are found by the names that Git gives them', async () => {
    const [, first, second, other] = hashes
    for (const [name, wanted] of [
      ['HEAD', second],
      ['main', second],
      ['HEAD~1', first],
      ['v1', first],
      ['other', other],
      [String(first).slice(0, 8), first],
    ])
      expect((await revisions.resolve(String(name))).commit).toBe(wanted)
  })

  test('are refused by names that mean nothing, whatever Git would make of them', async () => {
    for (const name of [
      '--all',
      '--help',
      '^HEAD',
      'a\nHEAD',
      '',
      'HEAD^{tree}',
      'HEAD:data.bin.dvc',
    ])
      await expect(revisions.resolve(name)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('are listed by branch, tag, date and number, each once', async () => {
    const [before, first, second, other] = hashes
    const commitsOf = async (selection: Parameters<typeof revisions.all>[0]) =>
      (await revisions.all(selection)).map((each) => each.commit).toSorted()
    const sorted = (...list: (string | undefined)[]) => list.map(String).toSorted()
    expect(await commitsOf({ branches: true })).toEqual(sorted(second, other))
    expect(await commitsOf({ tags: true })).toEqual(sorted(first))
    expect(await commitsOf({ branches: true, tags: true, last: 2 })).toEqual(
      sorted(first, second, other),
    )
    expect(await commitsOf({ commits: true })).toEqual(sorted(before, first, second, other))
    expect(await commitsOf({ sinceMs: Date.parse('2003-01-01T00:00:00Z') })).toEqual(
      sorted(second, other),
    )
    expect(await commitsOf({ revs: ['main'], last: 9 })).toEqual(sorted(before, first, second))
    const [both] = await revisions.all({ revs: ['main', 'HEAD'] })
    expect(both?.names).toEqual(['main', 'HEAD'])
  })

  test('have the outs that their files named, with the templates of that time', async () => {
    const outsOf = async (commit: string | undefined) =>
      (await revisions.outsAt(String(commit))).map(({ path, content }) => [path, content?.md5])
    const [before, first, second] = hashes
    expect(await outsOf(before)).toEqual([])
    expect(await outsOf(first)).toEqual([
      ['data.bin', MD5.a],
      ['deep/er/x', MD5.c],
    ])
    expect(await outsOf(second)).toEqual([
      ['data.bin', MD5.b],
      ['deep/er/x', MD5.c],
      ['model.bin', MD5.a],
    ])
  })

  test('are not read past a file with faults', async () => {
    await expect(revisions.outsAt(String(hashes[4]))).rejects.toThrow('broken.dvc of commit')
  })

  test('give the bytes and the lists of what Git keeps', async () => {
    const [before, first, , other] = hashes
    const text = async (commit: string | undefined, path: string) => {
      const bytes = await revisions.read(String(commit), path)
      return bytes === undefined ? undefined : Buffer.from(bytes).toString()
    }
    expect(await text(other, 'only.txt')).toBe('on the other branch\n')
    expect(await text(first, 'only.txt')).toBeUndefined()
    expect(await text(other, '../README')).toBeUndefined()
    expect(await revisions.kept(String(before), '', { deep: true })).toBeUndefined()
    const kept = await revisions.kept(String(first), 'deep', { deep: true })
    expect(kept?.map(({ path, kind }) => [path, kind])).toEqual([
      ['deep/er', 'folder'],
      ['deep/er/x.dvc', 'file'],
    ])
  })
})
