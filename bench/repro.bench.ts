import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonBin } from '../tests/support/python.ts'
import { median, tell } from './figures.ts'
import { runToEnd } from './peers.ts'

// A repro that finds nothing to do, from the start of the command to its end, in one project, by turns: a folder
// of a thousand tracked files and five stages in a row, run once by dvc before.

const FILES = 1000
const STAGES = 5
const ORRERY = join(import.meta.dirname, '..', 'bin', 'orrery')

async function project(folder: string): Promise<void> {
  const run = (command: string, ...args: string[]) =>
    runToEnd(command, args, { folder, environment })
  await mkdir(join(folder, 'data'), { recursive: true })
  for (let n = 0; n < FILES; n++)
    await writeFile(join(folder, 'data', `${n}.txt`), `${n}\n`.repeat(500))
  await writeFile(join(folder, 'params.yaml'), 'train:\n  seed: 7\n')
  await writeFile(join(folder, 'dvc.yaml'), pipeline())
  await run('git', 'init', '--quiet')
  await run(dvc, 'init', '--quiet')
  await run(dvc, 'add', '--quiet', 'data')
  await run(dvc, 'repro', '--quiet')
}

function pipeline(): string {
  const stages = Array.from({ length: STAGES }, (_, n) => [
    `  step${n}:`,
    `    cmd: cat ${n === 0 ? 'data/*.txt' : `out${n - 1}.txt`} > out${n}.txt`,
    '    deps:',
    `    - ${n === 0 ? 'data' : `out${n - 1}.txt`}`,
    '    params:',
    '    - train.seed',
    '    outs:',
    `    - out${n}.txt`,
  ])
  return ['stages:', ...stages.flat(), ''].join('\n')
}

async function timed(command: string): Promise<number> {
  const began = performance.now()
  const printed = await runToEnd(command, ['repro'], { folder, environment })
  if (!printed.includes('up to date'))
    throw new Error(`${command} found something to do: ${printed}`)
  return performance.now() - began
}

const dvc = join(pythonBin(), 'dvc')
const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const environment = {
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  // No server is asked: what is measured is the command.
  ORRERY_HOME: join(folder, '.orrery'),
}
try {
  await project(folder)
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let turn = 0; turn < 6; turn++) {
    ours.push(await timed(ORRERY))
    theirs.push(await timed(dvc))
  }
  // The first turn of each reads files that the second finds in memory.
  tell({
    what: 'repro with nothing to do',
    unit: 'ms',
    orrery: median(ours.slice(1)),
    peer: median(theirs.slice(1)),
    peerName: 'dvc repro',
    better: 'lower',
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}
