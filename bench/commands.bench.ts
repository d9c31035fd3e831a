import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonBin } from '../tests/support/python.ts'
import { asInstalled } from './environment.ts'
import { median, tell } from './figures.ts'
import { runToEnd } from './peers.ts'
import { spentBy, type Spent } from './spent.ts'

// Commands that find nothing to do in a small project, from the start of each to its end: a folder of twenty files and
// one stage, tracked and pushed by dvc. Every command by turns, orrery's and dvc's, each in a project of its own.
//   ORRERY_BENCH_REPEATS=20         how often each (10); the first is not counted
//   ORRERY_BENCH_COMMAND=.../orrery another one than the package that is built of this checkout

const REPEATS = Number(process.env['ORRERY_BENCH_REPEATS'] ?? 10)
const OTHER = process.env['ORRERY_BENCH_COMMAND']
const ORRERY = OTHER ?? join(import.meta.dirname, '..', 'bin', 'orrery')
const DVC = join(pythonBin(), 'dvc')
const FILES = 20
const STAGE =
  'stages:\n  count:\n    cmd: ls data > names.txt\n    deps: [data]\n    outs: [names.txt]\n'

const COMMANDS = [
  'status',
  'add data',
  'checkout',
  'diff',
  'push',
  'pull',
  'repro',
  'data status',
  'list .',
  'check-ignore a.tmp',
  'config core.remote',
  'remote list',
  'cache dir',
  '--version',
]

const top = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const environment = {
  ...(OTHER === undefined ? await asInstalled() : {}),
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  DVC_SITE_CACHE_DIR: join(top, 'dvc'),
  // What was compiled before is kept between commands; the first that is not counted makes it.
  XDG_CACHE_HOME: join(top, 'cache'),
  ORRERY_HOME: join(top, '.orrery'),
}
try {
  const [ourFolder, theirFolder] = [await project('ours'), await project('theirs')]
  for (const command of COMMANDS) {
    const [ours, theirs]: [Spent[], Spent[]] = [[], []]
    for (let turn = 0; turn <= REPEATS; turn++) {
      const words = command.split(' ')
      ours.push(await spentBy({ folder: ourFolder, environment }, ORRERY, ...words))
      theirs.push(await spentBy({ folder: theirFolder, environment }, DVC, ...words))
    }
    tellOf(command, ours.slice(1), theirs.slice(1))
  }
} finally {
  await rm(top, { recursive: true, force: true })
}

async function project(name: string): Promise<string> {
  const folder = join(top, name)
  await mkdir(join(folder, 'data'), { recursive: true })
  for (let file = 0; file < FILES; file++)
    await writeFile(join(folder, 'data', `${file}.bin`), randomBytes(4096))
  await writeFile(join(folder, 'dvc.yaml'), STAGE)
  await runIn(folder, 'git', 'init', '--quiet')
  for (const step of ['init', `remote add -d store ${join(top, `${name}-store`)}`, 'add data'])
    await runIn(folder, DVC, ...step.split(' '), '--quiet')
  await writeFile(join(folder, '.dvcignore'), '*.tmp\n')
  for (const step of ['repro', 'push']) await runIn(folder, DVC, step, '--quiet')
  await runIn(folder, 'git', 'add', '--all')
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost']
  await runIn(folder, 'git', ...who, 'commit', '--quiet', '--message=data')
  return folder
}

function tellOf(what: string, ours: readonly Spent[], theirs: readonly Spent[]): void {
  const about = { unit: 's', better: 'lower', peerName: 'dvc' } as const
  const middle = (all: readonly Spent[], of: keyof Spent) => median(all.map((each) => each[of]))
  for (const [of, shown] of [
    ['seconds', what],
    ['cpuSeconds', `${what}, processors`],
  ] as const)
    tell({ what: shown, orrery: middle(ours, of), peer: middle(theirs, of), ...about })
}

function runIn(folder: string, command: string, ...args: string[]): Promise<string> {
  return runToEnd(command, args, { folder, environment })
}
