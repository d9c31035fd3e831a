import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { randomFillSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFamily } from '../tests/support/process.ts'
import { pythonBin } from '../tests/support/python.ts'
import { asInstalled } from './environment.ts'
import { tell } from './figures.ts'
import { memoryMib, runToEnd } from './peers.ts'
import { spentBy, type Spent } from './spent.ts'

// Versions of a folder of many small files and of one large file, from the start of each command to its end. Every
// step is done by orrery and by dvc, one after the other, each in a project of its own with the same bytes.
// What the machine gives is measured in the same run: what simple tools take that only read, hash, copy or link the
// same files, with one processor each.
//   ORRERY_BENCH_FILES=100000    how many files of 4 KB
//   ORRERY_BENCH_LARGE_MIB=2048  how large the large file is; 0 for none
//   ORRERY_BENCH_STATUS_FILES=1000000  of that many small files, only the status when nothing changed, and its memory
//   ORRERY_BENCH_LINKS=copy,hardlink   how workspaces of many files get theirs; empty for none

const FILES = Number(process.env['ORRERY_BENCH_FILES'] ?? 20_000)
const LARGE_MIB = Number(process.env['ORRERY_BENCH_LARGE_MIB'] ?? 512)
const STATUS_FILES = Number(process.env['ORRERY_BENCH_STATUS_FILES'] ?? 0)
const LINKS = (process.env['ORRERY_BENCH_LINKS'] ?? 'copy,hardlink').split(',')
const FILE_BYTES = 4096
const FILES_A_FOLDER = 1000
/** Something else than the package as it is built of this checkout. */
const OTHER = process.env['ORRERY_BENCH_COMMAND']
const ORRERY = OTHER ?? join(import.meta.dirname, '..', 'bin', 'orrery')
const DVC = join(pythonBin(), 'dvc')

interface Side {
  readonly command: string
  /** Of the project; the remote lies beside it. */
  readonly folder: string
}

const top = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const environment = {
  ...(OTHER === undefined ? await asInstalled() : {}),
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  DVC_SITE_CACHE_DIR: join(top, 'dvc'),
  ORRERY_HOME: join(top, '.orrery'),
}
try {
  for (const links of ['copy', 'hardlink'] as const)
    if (LINKS.includes(links)) await manyFiles(links)
  if (LARGE_MIB > 0) await largeFile()
  if (STATUS_FILES > 0) await statusOfMore()
} finally {
  await rm(top, { recursive: true, force: true })
}

async function manyFiles(links: 'copy' | 'hardlink'): Promise<void> {
  const sides = await Promise.all(
    [ORRERY, DVC].map((command, index) => projectFor(command, `${links}-${index}`, links)),
  )
  const plain = { command: '', folder: join(top, `${links}-plain`) }
  await fillAll([...sides, plain], { files: FILES, sizeBytes: FILE_BYTES })
  const { walk, hash, copy, link, sync } = await floorsIn(plain.folder)
  const place = links === 'copy' ? [copy] : [link]
  const kept = links === 'copy' ? [copy, sync] : [link]
  await compared(`add, ${links}`, sides, ['add', 'data'], sumOf(hash, ...kept))
  if (links === 'copy') await statusAndRemote(sides, { walk, sent: sumOf(hash, copy, sync) })
  for (const { folder } of sides) await putAway(folder, 'data')
  await compared(`checkout, ${links}`, sides, ['checkout'], sumOf(hash, ...place))
  if (links === 'copy') await pullAnew(sides, sumOf(hash, copy, sync, copy))
}

async function statusAndRemote(
  sides: readonly Side[],
  { walk, sent }: { walk: Floor; sent: Floor },
): Promise<void> {
  await compared('status', sides, ['status'], walk)
  await compared('status again', sides, ['status'], walk)
  await compared('push', sides, ['push'], sent)
  await compared('push again', sides, ['push'])
  const changed = randomFillSync(Buffer.alloc(FILE_BYTES))
  for (let file = 0; file < FILES; file += 100) {
    changed.writeUInt32LE(file)
    for (const { folder } of sides) await writeFile(pathOf(folder, file), changed)
  }
  await compared('status after 1 % were rewritten', sides, ['status'], walk)
  for (const { folder } of sides) await runIn(folder, ORRERY, 'checkout', '--force')
}

/** What a tool takes that does only a part of the work. */
interface Floor extends Spent {
  readonly name: string
}

async function floorsIn(
  folder: string,
): Promise<Record<'walk' | 'hash' | 'link' | 'copy' | 'sync', Floor>> {
  await settled()
  const walk = await tool(folder, 'find -ls', 'find data -ls > /dev/null')
  const each = 'find data -type f -print0 | xargs -0'
  const hash = await tool(folder, 'md5sum', `${each} md5sum > /dev/null`)
  const link = await tool(folder, 'cp -al', 'cp -al data linked')
  await settled()
  const copy = await tool(folder, 'cp -r', 'cp -r data copied')
  const sync = await tool(folder, 'sync', 'sync -f .')
  return { walk, hash, link, copy, sync }
}

async function tool(folder: string, name: string, script: string): Promise<Floor> {
  return { name, ...(await timed(folder, 'bash', '-c', script)) }
}

function sumOf(...floors: readonly Floor[]): Floor {
  return {
    name: floors.map(({ name }) => name).join(', '),
    seconds: floors.reduce((sum, { seconds }) => sum + seconds, 0),
    cpuSeconds: floors.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  }
}

/** Ours alone: to add as many as these takes the peer many minutes. */
async function statusOfMore(): Promise<void> {
  const side = await projectFor(ORRERY, 'more', 'hardlink')
  await fillAll([side], { files: STATUS_FILES, sizeBytes: 16 })
  await settled()
  await timed(side.folder, ORRERY, 'add', 'data')
  await settled()
  const walk = await tool(side.folder, 'find -ls', 'find data -ls > /dev/null')
  for (const when of ['first', 'again']) {
    const what = `status of ${STATUS_FILES} files, ${when}`
    const spent = await timed(side.folder, ORRERY, 'status')
    tellOf(what, spent, walk, walk.name)
    const goal = { unit: 's', better: 'lower', peer: 5, peerName: 'the goal' } as const
    tell({ what, orrery: spent.seconds, ...goal })
  }
  const mib = await mostMemoryOf(side.folder, ORRERY, 'status')
  const about = { unit: 'MiB at most', better: 'lower', peerName: 'the goal' } as const
  tell({ what: `status of ${STATUS_FILES} files`, orrery: mib, peer: 500, ...about })
}

/** Of a command with all that it starts, looked at all the time. */
async function mostMemoryOf(folder: string, command: string, ...args: string[]): Promise<number> {
  const family = startFamily(command, args, { folder, environment })
  family.stdout.resume()
  const ended = family.exited.then(() => true)
  let most = 0
  while (!(await Promise.race([ended, sleep(20, false)])))
    most = Math.max(most, await memoryMib(family))
  if ((await family.exited) !== 0) throw new Error(`${command} failed: ${family.log()}`)
  return most
}

async function pullAnew(sides: readonly Side[], floor: Floor): Promise<void> {
  for (const { folder } of sides)
    for (const gone of ['data', '.dvc/cache', '.dvc/tmp']) await putAway(folder, gone)
  await rm(environment.DVC_SITE_CACHE_DIR, { recursive: true, force: true })
  await compared('pull', sides, ['pull'], floor)
}

/**
 * Out of the way, and not removed: ext4 passes over inodes that were freed in the last minutes one by one, and to make
 * a file takes several times as long then, whoever makes it.
 */
async function putAway(folder: string, what: string): Promise<void> {
  const away = await mkdtemp(join(folder, '..', 'away-'))
  await rename(join(folder, what), join(away, 'it'))
}

async function largeFile(): Promise<void> {
  const side = await projectFor(ORRERY, 'large', 'copy')
  const file = join(side.folder, 'large.bin')
  const piece = randomFillSync(Buffer.alloc(1 << 20))
  await writeFile(file, '')
  for (let mib = 0; mib < LARGE_MIB; mib++) {
    piece.writeUInt32LE(mib)
    await appendFile(file, piece)
  }
  await settled()
  const peers = async () => {
    const hashed = await tool(side.folder, 'md5sum', 'md5sum large.bin')
    const copied = await tool(side.folder, 'cp', 'cp large.bin ../copy.bin')
    const synced = await tool(side.folder, 'sync', 'sync ../copy.bin')
    await rm(join(side.folder, '..', 'copy.bin'))
    return [sumOf(hashed, copied), sumOf(hashed, copied, synced)]
  }
  const what = `a file of ${LARGE_MIB} MiB`
  const added = await timed(side.folder, ORRERY, 'add', 'large.bin')
  for (const peer of await peers()) tellOf(`add ${what}`, added, peer, peer.name)
  await rm(file)
  await settled()
  const out = await timed(side.folder, ORRERY, 'checkout')
  if ((await stat(file)).size !== LARGE_MIB * 2 ** 20)
    throw new Error('the large file did not come back')
  const [peer] = await peers()
  if (peer !== undefined) tellOf(`check out ${what}`, out, peer, peer.name)
}

async function projectFor(command: string, name: string, links: string): Promise<Side> {
  const folder = join(top, name, 'project')
  await mkdir(folder, { recursive: true })
  await runIn(folder, 'git', 'init', '--quiet')
  await runIn(folder, DVC, 'init', '--quiet')
  await runIn(folder, DVC, 'config', '--quiet', 'cache.type', links)
  await runIn(folder, DVC, 'remote', 'add', '--quiet', '-d', 'store', join(top, name, 'remote'))
  return { command, folder }
}

async function fillAll(
  sides: readonly Side[],
  { files, sizeBytes }: { files: number; sizeBytes: number },
): Promise<void> {
  const bytes = randomFillSync(Buffer.alloc(sizeBytes))
  for (let file = 0; file < files; file++) {
    bytes.writeUInt32LE(file + 1)
    for (const { folder } of sides) {
      if (file % FILES_A_FOLDER === 0)
        await mkdir(join(pathOf(folder, file), '..'), { recursive: true })
      const target = await open(pathOf(folder, file), 'wx')
      await target.writeFile(bytes)
      await target.close()
    }
  }
}

function pathOf(folder: string, file: number): string {
  return join(folder, 'data', `part-${Math.floor(file / FILES_A_FOLDER)}`, `${file}.bin`)
}

async function compared(
  what: string,
  sides: readonly Side[],
  args: readonly string[],
  floor?: Floor,
): Promise<void> {
  const spent: Spent[] = []
  for (const { folder, command } of sides) {
    await settled()
    spent.push(await timed(folder, command, ...args))
    if (!(await readdir(folder)).includes('data.dvc'))
      throw new Error(`${what}: nothing is tracked in ${folder}`)
  }
  const [ours, theirs] = spent
  if (ours === undefined || theirs === undefined) return
  tellOf(`${what}, ${FILES} files`, ours, theirs, 'dvc')
  if (floor !== undefined) tellOf(`${what}, ${FILES} files`, ours, floor, floor.name)
}

/** Nothing that an earlier step wrote is left to be written. */
async function settled(): Promise<void> {
  await runIn(top, 'sync', '-f', top)
}

function tellOf(what: string, ours: Spent, theirs: Spent, peerName: string): void {
  const about = { unit: 's', better: 'lower', peerName } as const
  tell({ what, orrery: ours.seconds, peer: theirs.seconds, ...about })
  const cpu = { orrery: ours.cpuSeconds, peer: theirs.cpuSeconds }
  tell({ what: `${what}, processors`, ...cpu, ...about })
}

/** The shell tells what its children took of the processors. */
function timed(folder: string, command: string, ...args: string[]): Promise<Spent> {
  return spentBy({ folder, environment }, command, ...args)
}

function runIn(folder: string, command: string, ...args: string[]): Promise<string> {
  return runToEnd(command, args, { folder, environment })
}
