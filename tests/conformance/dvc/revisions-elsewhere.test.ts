import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DvcListed } from '#protocols/dvc/listing'
import { runCommand } from '../../support/command.ts'
import { sandbox, treeOf, type Sandbox } from './support.ts'

let origin: Sandbox
/** A folder outside of any project, to call the commands in. */
let here = ''
let bare = ''

beforeAll(() => {
  origin = sandbox()
  origin.dvc('init', '-q')
  origin.dvc('remote', 'add', '-q', '-d', 'store', '../store')
  origin.write('folder/a', '1\n')
  origin.write('folder/sub/é', '2\n')
  origin.write('single', 'f\n')
  origin.write('code/x.py', 'x\n')
  origin.write('code/run.sh', '#!/bin/sh\n')
  chmodSync(join(origin.root, 'code/run.sh'), 0o755)
  origin.write('mixed/kept.txt', 'kept\n')
  origin.write('mixed/data', 'data\n')
  origin.dvc('add', '-q', 'folder', 'single', 'mixed/data')
  commit('one')
  origin.git('tag', 'v1')
  origin.dvc('push', '-q')
  origin.write('folder/a', '3\n')
  origin.dvc('add', '-q', 'folder')
  commit('two')
  origin.dvc('push', '-q')
  here = join(origin.root, '../here')
  bare = join(origin.root, '../bare.git')
  mkdirSync(here)
  execFileSync('git', ['clone', '-q', '--bare', origin.root, bare], { stdio: 'pipe' })
})

afterAll(() => origin.remove())

function commit(message: string): void {
  origin.git('add', '-A')
  origin.git('commit', '-q', '-m', message)
}

async function mine(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return runCommand(here, args, { XDG_CACHE_HOME: join(here, '../cache') })
}

/** dvc says the size of a folder's entry in Git's own files, and not of all that lies deeper. */
function comparable(rows: readonly DvcListed[]): DvcListed[] {
  return rows.map((row) =>
    (row.isdir && !row.isout) || row.path.includes('/') ? { ...row, size: null } : row,
  )
}

describe('list', () => {
  const cases = [
    ['.'],
    ['.', '--dvc-only', '-R'],
    ['.', 'folder'],
    ['.', '-R', '--rev', 'v1'],
    ['.', 'folder', '--rev', 'v1'],
    ['.', '--rev', 'v1'],
    ['.', '--dvc-only'],
    ['.', '-R', '--level', '1'],
    ['.', '-R', '-L', '2', '--dvc-only', '--rev', 'v1'],
    ['.', 'folder', '-R', '-L', '0'],
  ]
  for (const args of cases)
    test(`says what dvc says: list ${args.join(' ')}`, async () => {
      const [, ...rest] = args
      const { out, err } = await mine('list', origin.root, ...rest, '--json')
      expect(err).toBe('')
      const theirs = JSON.parse(origin.dvc('list', ...args, '--json')) as DvcListed[]
      expect(comparable(JSON.parse(out) as DvcListed[])).toEqual(comparable(theirs))
    })

  const trees = [
    ['--tree'],
    ['-T', '-L', '1', '--dvc-only'],
    ['-T', '--level', '2', '--rev', 'v1'],
    ['folder/', '-T'],
    ['folder/sub', '-T', '-L', '0'],
    ['mixed/kept.txt', '-T'],
  ]
  for (const args of trees)
    test(`draws the tree that dvc draws: list . ${args.join(' ')}`, async () => {
      const { out, err } = await mine('list', origin.root, ...args)
      expect(err).toBe('')
      expect(out).toBe(origin.dvc('list', '.', ...args))
    })

  test('draws what lies at a path as dvc list-url does', async () => {
    const folder = join(origin.root, 'folder')
    for (const args of [['-T'], ['-T', '-L', '1'], ['-T', '-L', '0'], ['-R', '-L', '1'], ['-R']]) {
      const { out, err } = await mine('list-url', folder, ...args)
      expect(err).toBe('')
      expect(out).toBe(origin.dvc('list-url', folder, ...args))
    }
  })

  test('refuses levels that are none, and a tree in JSON', async () => {
    const level = await mine('list', origin.root, '-T', '-L', '-1')
    expect([level.code, level.err]).toEqual([2, expect.stringContaining('whole number from 0')])
    const tree = await mine('list', origin.root, '-T', '--json')
    expect([tree.code, tree.out]).toEqual([2, expect.stringContaining('--tree draws')])
  })

  test('of a repository elsewhere reads a mirror', async () => {
    const { out } = await mine('ls', bare, 'code')
    expect(out.split('\n')).toEqual(['run.sh', 'x.py', ''])
    const { code, err } = await mine('list', 'ext::sh -c x', 'code')
    expect(code).toBe(2)
    expect(err).toContain('neither a folder nor the address of a repository')
  })

  test('of what is not there says so', async () => {
    const { code, err } = await mine('list', origin.root, 'nothing')
    expect([code, err]).toEqual([2, expect.stringContaining('has no nothing')])
  })
})

describe('get', () => {
  test('copies what dvc copies, from folders and from commits', async () => {
    const theirs = join(origin.root, '../theirs')
    mkdirSync(theirs)
    const cases = [
      ['folder'],
      ['folder/sub', '-o', 'part'],
      ['code'],
      ['mixed', '--rev', 'v1'],
      ['folder', '--rev', 'v1', '-o', 'before'],
    ]
    const cwd = origin.root
    for (const args of cases) {
      const out = args.includes('-o') ? String(args.at(-1)) : String(args[0])
      const plain = args.includes('-o') ? args.slice(0, -2) : args
      origin.dvc('get', '-q', '.', ...plain, '-o', join(theirs, out))
      const { err } = await mine('get', cwd, ...args, '-q')
      expect(err).toBe('')
    }
    expect(treeOf(here, '')).toEqual(treeOf(theirs, ''))
    expect(statSync(join(here, 'code/run.sh')).mode & 0o111).not.toBe(0)
  })

  test('fetches from the remote what is nowhere else', async () => {
    const copy = join(origin.root, '../copy')
    cpSync(origin.root, copy, { recursive: true })
    for (const path of ['.dvc/cache', 'folder', 'single'])
      rmSync(join(copy, path), { recursive: true })
    const { code, err } = await mine('get', copy, 'folder', '-o', 'fetched')
    expect([code, err]).toEqual([0, ''])
    expect(readFileSync(join(here, 'fetched/a'), 'utf8')).toBe('3\n')
  })

  test('tells where data lies as dvc does', async () => {
    for (const path of ['folder', 'folder/a']) {
      const { out } = await mine('get', origin.root, path, '--rev', 'v1', '--show-url')
      expect(out).toBe(origin.dvc('get', '.', path, '--rev', 'v1', '--show-url'))
    }
  })

  test('keeps away from what is there and from what leads out of the repository', async () => {
    const there = await mine('get', origin.root, 'single', '-o', 'part/é')
    expect([there.code, there.err]).toEqual([2, expect.stringContaining('exists already')])
    const file = await mine('get', origin.root, 'folder.dvc')
    expect(file.err).toContain('name the data itself')
    const outside = await mine('get', origin.root, '../store', '-o', 'stolen')
    expect(outside.code).toBe(2)
    expect(existsSync(join(here, 'stolen'))).toBe(false)
    const option = await mine('get', origin.root, 'single', '--rev', '--output=x', '-o', 'y')
    expect(option.code).toBe(2)
  })
})
