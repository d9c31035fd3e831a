import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWorkspace } from '#app/project/workspace'
import { pythonBin } from '../tests/support/python.ts'
import { tell } from './figures.ts'
import { runToEnd } from './peers.ts'

// A stage over 10,000 small files, of which three changed since it last ran: with meta.parts, beside dvc, which runs it
// whole. Both as whole commands, by turns, and orrery's part besides the three parts' own work.

const PARTS = 10_000
const CHANGED = 3
const TURNS = 3
const ORRERY = join(import.meta.dirname, '..', 'bin', 'orrery')

const WORK = `import os
from pathlib import Path
source = Path(os.environ.get('ORRERY_INPUT', 'raw'))
target = Path(os.environ.get('ORRERY_OUTPUT', 'clean'))
target.mkdir(exist_ok=True)
for file in source.glob('*.csv'):
    (target / file.name).write_text(file.read_text().upper())
`

const PIPELINE = `stages:
  clean:
    cmd: python clean.py
    deps: [clean.py, raw]
    outs: [clean]
    meta:
      parts: {input: raw, glob: '*.csv', batch: 500, writes: '{name}'}
`

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
const environment = {
  PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
  DVC_NO_ANALYTICS: '1',
  ORRERY_HOME: join(folder, '.orrery'),
}
const dvc = join(pythonBin(), 'dvc')
const run = (command: string, ...args: string[]) => runToEnd(command, args, { folder, environment })

function change(turn: string): void {
  for (let n = 0; n < CHANGED; n++)
    writeFileSync(join(folder, 'raw', `${n * 1000}.csv`), `changed ${turn} ${n}\n`)
}

async function timed(work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const used = process.cpuUsage(cpu)
  return { ms: performance.now() - began, cpuMs: (used.user + used.system) / 1000 }
}

const least = (values: readonly number[]) => Math.min(...values)

try {
  mkdirSync(join(folder, 'raw'))
  for (let n = 0; n < PARTS; n++) writeFileSync(join(folder, 'raw', `${n}.csv`), `part ${n}\n`)
  writeFileSync(join(folder, 'clean.py'), WORK)
  writeFileSync(join(folder, 'dvc.yaml'), PIPELINE)
  await run('git', 'init', '--quiet')
  await run(dvc, 'init', '--quiet')
  const first = await timed(() => run(ORRERY, 'repro', '--no-record'))
  console.log(`all ${PARTS} parts the first time: ${first.ms.toFixed(0)} ms`)
  const [whole, theirs, inside, cpu]: number[][] = [[], [], [], []]
  for (let turn = 0; turn < TURNS; turn++) {
    change(`a${turn}`)
    whole?.push((await timed(() => run(ORRERY, 'repro', '--no-record'))).ms)
    change(`b${turn}`)
    theirs?.push((await timed(() => run(dvc, 'repro'))).ms)
    change(`c${turn}`)
    const here = openWorkspace(folder, {
      variables: { ...process.env, ...environment },
      environments: join(folder, 'environments'),
    })
    const own = await timed(async () => {
      const { outcome } = await here.pipelines.repro({ targets: ['clean'] })
      if (outcome !== 'succeeded') throw new Error('the stage failed')
    })
    inside?.push(own.ms)
    cpu?.push(own.cpuMs)
  }
  console.log(
    `inside one process: ${least(inside ?? []).toFixed(0)} ms with the parts' own work; ${least(cpu ?? []).toFixed(0)} ms of processor beyond it (must be under 1000)`,
  )
  tell({
    what: `${PARTS} parts, ${CHANGED} changed`,
    unit: 'ms',
    orrery: least(whole ?? []),
    peer: least(theirs ?? []),
    peerName: 'dvc repro',
    better: 'lower',
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
