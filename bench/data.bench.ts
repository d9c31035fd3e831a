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
import { pythonBin } from '../tests/support/python.ts'
import { asInstalled } from './environment.ts'
import { tell } from './figures.ts'
import { runToEnd } from './peers.ts'

// Versions of a folder of many small files and of one large file, from the start of each command to its end. Every
// step is done by orrery and by dvc, one after the other, each in a project of its own with the same bytes.
//   ORRERY_BENCH_FILES=100000    how many files of 4 KB
//   ORRERY_BENCH_LARGE_MIB=2048  how large the large file is

const FILES = Number(process.env['ORRERY_BENCH_FILES'] ?? 20_000)
const LARGE_MIB = Number(process.env['ORRERY_BENCH_LARGE_MIB'] ?? 512)
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

interface Spent {
  readonly seconds: number
  /** Of all processors, which says more where the machine does other work as well. */
  readonly cpuSeconds: number
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
  for (const links of ['copy', 'hardlink'] as const) await manyFiles(links)
  await largeFile()
} finally {
  await rm(top, { recursive: true, force: true })
}

async function manyFiles(links: 'copy' | 'hardlink'): Promise<void> {
  const sides = await Promise.all(
    [ORRERY, DVC].map((command, index) => projectFor(command, `${links}-${index}`, links)),
  )
  await fillAll(sides)
  await compared(`add, ${links}`, sides, (side) => [side.command, 'add', 'data'])
  if (links === 'copy') await statusAndRemote(sides)
  for (const { folder } of sides) await putAway(folder, 'data')
  await compared(`checkout, ${links}`, sides, (side) => [side.command, 'checkout'])
  if (links === 'copy') await pullAnew(sides)
}

async function statusAndRemote(sides: readonly Side[]): Promise<void> {
  await compared('status', sides, (side) => [side.command, 'status'])
  await compared('status again', sides, (side) => [side.command, 'status'])
  await compared('push', sides, (side) => [side.command, 'push'])
  await compared('push again', sides, (side) => [side.command, 'push'])
  const changed = randomFillSync(Buffer.alloc(FILE_BYTES))
  for (let file = 0; file < FILES; file += 100) {
    changed.writeUInt32LE(file)
    for (const { folder } of sides) await writeFile(pathOf(folder, file), changed)
  }
  await compared('status after 1 % were rewritten', sides, (side) => [side.command, 'status'])
  for (const { folder } of sides) await runIn(folder, ORRERY, 'checkout', '--force')
}

async function pullAnew(sides: readonly Side[]): Promise<void> {
  for (const { folder } of sides)
    for (const gone of ['data', '.dvc/cache', '.dvc/tmp']) await putAway(folder, gone)
  await rm(environment.DVC_SITE_CACHE_DIR, { recursive: true, force: true })
  await compared('pull', sides, (side) => [side.command, 'pull'])
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
  const peer = async () => {
    const hashed = await timed(side.folder, 'md5sum', 'large.bin')
    const copied = await timed(side.folder, 'cp', 'large.bin', '../copy.bin')
    await rm(join(side.folder, '..', 'copy.bin'))
    return {
      seconds: hashed.seconds + copied.seconds,
      cpuSeconds: hashed.cpuSeconds + copied.cpuSeconds,
    }
  }
  const what = `a file of ${LARGE_MIB} MiB`
  tellOf(
    `add ${what}`,
    await timed(side.folder, ORRERY, 'add', 'large.bin'),
    await peer(),
    'md5sum and cp',
  )
  await rm(file)
  await settled()
  const out = await timed(side.folder, ORRERY, 'checkout')
  if ((await stat(file)).size !== LARGE_MIB * 2 ** 20)
    throw new Error('the large file did not come back')
  tellOf(`check out ${what}`, out, await peer(), 'md5sum and cp')
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

async function fillAll(sides: readonly Side[]): Promise<void> {
  const bytes = randomFillSync(Buffer.alloc(FILE_BYTES))
  for (let file = 0; file < FILES; file++) {
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
  commandOf: (side: Side) => string[],
): Promise<void> {
  const spent: Spent[] = []
  for (const side of sides) {
    await settled()
    const [command = '', ...args] = commandOf(side)
    spent.push(await timed(side.folder, command, ...args))
    if (!(await readdir(side.folder)).includes('data.dvc'))
      throw new Error(`${what}: nothing is tracked in ${side.folder}`)
  }
  const [ours, theirs] = spent
  if (ours !== undefined && theirs !== undefined)
    tellOf(`${what}, ${FILES} files`, ours, theirs, 'dvc')
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
async function timed(folder: string, command: string, ...args: string[]): Promise<Spent> {
  const began = performance.now()
  const said = await runIn(folder, 'bash', '-c', '"$@" >&2 || exit 1; times', '-', command, ...args)
  const [user = 0, system = 0] = [...said.matchAll(/(\d+)m([\d.]+)s/g)]
    .slice(-2)
    .map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds))
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: user + system }
}

function runIn(folder: string, command: string, ...args: string[]): Promise<string> {
  return runToEnd(command, args, { folder, environment })
}
