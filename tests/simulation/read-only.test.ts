import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { contentOf, runCommand } from '../support/command.ts'

const run = promisify(execFile)

let top: string
let root: string
const mounts: string[] = []

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'orrery-read-only-'))
  root = join(top, 'project')
  mkdirSync(join(root, 'folder'), { recursive: true })
  await run('git', ['init', '-q'], { cwd: root })
  write('folder/a', 'one')
  write('file', 'two')
  for (const args of [
    ['init', '-q'],
    ['remote', 'add', '-q', '-d', 'store', join(top, 'store')],
    ['add', '-q', 'folder', 'file'],
    ['push', '-q'],
  ])
    await succeeds(args)
})
afterEach(async () => {
  for (const place of mounts.splice(0)) await run('umount', ['-l', place])
  rmSync(top, { recursive: true, force: true })
})

const write = (path: string, text: string) => writeFileSync(join(root, path), text)

/** False where this machine does not let us; nobody but root is kept out by rights instead. */
async function readOnly(place: string): Promise<boolean> {
  try {
    await run('mount', ['--bind', place, place])
    mounts.push(place)
    await run('mount', ['-o', 'remount,ro,bind', place])
    return true
  } catch {
    if (process.getuid?.() === 0) return false
    chmodSync(place, 0o555)
    return true
  }
}

async function succeeds(args: readonly string[]): Promise<void> {
  expect(await runCommand(root, args)).toMatchObject({ code: 0, err: '' })
}

async function refused(args: string[], place: string): Promise<void> {
  const before = await contentOf(top)
  const { code, out, err } = await runCommand(root, args)
  expect({ args, code: code === 0 }).toEqual({ args, code: false })
  expect(`${out}${err}`).toContain(place)
  expect(`${out}${err}`).toMatch(/read-only|not open to this user/)
  expect(`${out}${err}`).not.toMatch(/\n {4}at /)
  expect(await contentOf(top)).toEqual(before)
}

test('out of a cache that is read-only all is read, and what has to be written is refused in words', async (context) => {
  const cache = join(root, '.dvc/cache')
  if (!(await readOnly(cache))) context.skip('needs mount, or another user than root')
  for (const args of ['status', 'diff', 'data status', 'push', 'pull', 'fsck', 'gc -w -f'])
    await succeeds(args.split(' '))
  rmSync(join(root, 'folder'), { recursive: true })
  expect((await runCommand(root, ['checkout'])).code).toBe(0)
  write('new', 'three')
  await refused(['add', 'new'], cache)
  write('folder/a', 'four')
  await refused(['commit', '-f', 'folder'], cache)
})

test('to a remote that is read-only nothing is pushed, and it is named', async (context) => {
  const store = join(top, 'store')
  if (!(await readOnly(store))) context.skip('needs mount, or another user than root')
  write('new', 'three')
  expect((await runCommand(root, ['add', 'new'])).code).toBe(0)
  await refused(['push'], store)
  expect((await runCommand(root, ['pull'])).code).toBe(0)
})

test('in a project that is read-only what only reads goes on, and all else says why not', async (context) => {
  if (!(await readOnly(root))) context.skip('needs mount, or another user than root')
  for (const args of [
    'status',
    'diff',
    'data status',
    'list .',
    'remote list',
    'config core.remote',
  ])
    expect(await runCommand(root, args.split(' '))).toMatchObject({ code: 0 })
  for (const args of ['add file', 'checkout', 'pull', 'push', 'gc -w -f', 'remote add x /y'])
    await refused(args.split(' '), root)
})
