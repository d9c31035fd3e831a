import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonBin } from '../tests/support/python.ts'
import { median, tell } from './figures.ts'
import { runToEnd } from './peers.ts'

// Pipelines from the start of the command to its end, beside dvc in a twin of the project: fifty trivial stages in a
// row, the same with nothing to do, twenty independent ones that sleep for a second, and the plan of five thousand.

const TURNS = Number(process.env['ORRERY_BENCH_RUNS'] ?? 3)
const ORRERY = join(import.meta.dirname, '..', 'bin', 'orrery')
const DVC = join(pythonBin(), 'dvc')
/** dvc draws a plan in minutes where orrery takes a second: it is asked once. */
const PLANNED = 5000

const top = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const environment = {
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  // No server is asked: what is measured is the command.
  ORRERY_HOME: join(top, '.orrery'),
}

let projects = 0

async function project(pipeline: string): Promise<string> {
  const folder = join(top, String(projects++))
  await mkdir(folder)
  await writeFile(join(folder, 'dvc.yaml'), pipeline)
  await runToEnd('git', ['init', '--quiet'], { folder, environment })
  await runToEnd(DVC, ['init', '--quiet'], { folder, environment })
  return folder
}

async function timed(folder: string, command: string, args: readonly string[]): Promise<number> {
  const began = performance.now()
  await runToEnd(command, [...args], { folder, environment })
  return performance.now() - began
}

/** Both in projects of their own, by turns, so that whatever else the machine does meets both. */
async function compared(
  what: string,
  pipeline: string,
  { turns = TURNS, args = ['repro'], again = false } = {},
): Promise<void> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let turn = 0; turn < turns; turn++)
    for (const [command, times] of [
      [ORRERY, ours],
      [DVC, theirs],
    ] as const) {
      const folder = await project(pipeline)
      if (again) await timed(folder, command, ['repro'])
      times.push(await timed(folder, command, args))
      await rm(folder, { recursive: true, force: true })
    }
  tell({
    what,
    unit: 'ms',
    orrery: median(ours),
    peer: median(theirs),
    peerName: `dvc ${args.join(' ')}`,
    better: 'lower',
  })
}

function chain(length: number): string {
  const stages = Array.from(
    { length },
    (_, n) =>
      `  s${n}:\n    cmd: echo ${n} > o${n}\n${n === 0 ? '' : `    deps: [o${n - 1}]\n`}    outs: [o${n}]\n`,
  )
  return `stages:\n${stages.join('')}`
}

const sleepers = `stages:
  nap:
    foreach: [${Array.from({ length: 20 }, (_, n) => n).join(', ')}]
    do:
      cmd: sleep 1; echo \${item} > o\${item}
      outs: ['o\${item}']
      meta: { resources: { cpu: 0.05 } }
`

const planned = `stages:
  many:
    foreach: [${Array.from({ length: PLANNED }, (_, n) => n).join(', ')}]
    do:
      cmd: echo \${item} > o\${item}
      outs: ['o\${item}']
`

try {
  await compared('50 trivial stages in a row', chain(50))
  await compared('50 stages with nothing to do', chain(50), { again: true })
  await compared('20 independent stages of one second', sleepers, { turns: 1 })
  await compared('the plan of 5,000 stages', planned, { turns: 1, args: ['repro', '--dry'] })
} finally {
  await rm(top, { recursive: true, force: true })
}
