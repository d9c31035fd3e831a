import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { pythonBin } from '../support/python.ts'
import { damagedIn, lackingIn } from './data/tree.ts'

const run = promisify(execFile)
const MIB = 1 << 20

let top: string
/** Of 8 MiB. */
let disk: string
let project: string
let isMounted: boolean

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'orrery-full-data-'))
  disk = join(top, 'disk')
  project = join(top, 'project')
  mkdirSync(disk)
  isMounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk]).then(
    () => true,
    () => false,
  )
  mkdirSync(join(project, 'folder'), { recursive: true })
  await run('git', ['init', '-q'], { cwd: project })
  for (const [index, name] of ['a', 'b', 'c'].entries())
    writeFileSync(join(project, 'folder', name), Buffer.alloc(2 * MIB, index + 1))
  await succeeds(project, 'init', '-q')
  await succeeds(project, 'add', '-q', 'folder')
})
afterEach(async () => {
  if (isMounted) await run('umount', ['-l', disk])
  rmSync(top, { recursive: true, force: true })
})

async function succeeds(cwd: string, ...args: string[]): Promise<void> {
  expect(await runCommand(cwd, args)).toMatchObject({ code: 0, err: '' })
}

async function isFull(cwd: string, ...args: string[]): Promise<void> {
  const { code, out, err } = await runCommand(cwd, args)
  expect(code).not.toBe(0)
  expect(`${out}${err}`).toMatch(/folder.*no space left/)
  expect(`${out}${err}`).not.toMatch(/\n {4}at /)
}

/** Leaves so much room on the disk. */
async function fill(freeBytes: number): Promise<() => void> {
  const { stdout } = await run('df', ['--output=avail', '-B1', disk])
  const file = join(disk, 'filling')
  writeFileSync(file, Buffer.alloc(Number(stdout.split('\n')[1]) - freeBytes))
  return () => rmSync(file)
}

async function dvcStatus(cwd: string): Promise<unknown> {
  const env = { ...process.env, DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: join(top, 'site') }
  const { stdout } = await run(join(pythonBin(), 'dvc'), ['status', '--json'], { cwd, env })
  return JSON.parse(stdout)
}

test('a remote on a full disk gets no half of an object, and all when there is room', async (context) => {
  if (!isMounted) context.skip('needs mount')
  await succeeds(project, 'remote', 'add', '-q', '-d', 'store', join(disk, 'store'))
  const free = await fill(3 * MIB)
  await isFull(project, 'push')
  const store = join(disk, 'store/files/md5')
  expect([damagedIn(store), lackingIn(store)]).toEqual([[], []])
  free()
  await succeeds(project, 'push', '-q')
  await succeeds(project, 'status', '-c', '-q')
})

test('a full disk stops pull and checkout with the name of the data, and they are completed when there is room', async (context) => {
  if (!isMounted) context.skip('needs mount')
  await succeeds(project, 'remote', 'add', '-q', '-d', 'store', join(top, 'store'))
  await succeeds(project, 'push', '-q')
  const here = join(disk, 'here')
  await run('git', ['init', '-q', here])
  await succeeds(here, 'init', '-q')
  for (const file of ['.dvc/config', 'folder.dvc'])
    copyFileSync(join(project, file), join(here, file))
  const [cache, free] = [join(here, '.dvc/cache'), await fill(3 * MIB)]
  await isFull(here, 'pull')
  expect(damagedIn(join(cache, 'files/md5'))).toEqual([])
  free()
  rmSync(cache, { recursive: true, force: true })
  await succeeds(here, 'cache', 'dir', '--local', join(project, '.dvc/cache'))
  const freeAgain = await fill(3 * MIB)
  await isFull(here, 'checkout')
  freeAgain()
  await succeeds(here, 'checkout', '-q')
  expect(await dvcStatus(here)).toEqual({})
})
