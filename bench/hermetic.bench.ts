import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { tell } from './figures.ts'

// What it costs to keep stages to what they declare: twenty short stages in a row, and one that opens 10,000 files. Whole
// commands, by turns; processor time of all their processes. The peer is the same without walls. A first run is also
// followed; a later one has walls alone, as runs of the same code on new data have.

const STAGES = 20
const FILES = 10_000
const TURNS = 3
const ORRERY = join(import.meta.dirname, '..', 'bin', 'orrery')

const LOOP = `total = 0
for n in range(${FILES}):
    with open(f'data/{n}') as file: total += len(file.read())
open('out', 'w').write(str(total))
`

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
const environment = { PATH: process.env['PATH'] ?? '', ORRERY_HOME: join(folder, '.orrery') }
const least = (values: readonly number[]) => Math.min(...values)

/** Seconds of processor that a command and all it waits for took; the shell knows them. */
async function seconds(...args: string[]): Promise<number> {
  const words = ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null', ORRERY, ...args]
  const { stderr } = await promisify(execFile)('bash', words, { cwd: folder, env: environment })
  const said = (stderr.trim().split('\n').at(-1) ?? '').split(' ')
  return said.reduce((sum, each) => sum + Number(each), 0)
}

let version = 0
/** Data that is new to whoever reads it. */
async function renewed(): Promise<void> {
  writeFileSync(join(folder, 'data', '0'), `${version++}`)
  writeFileSync(join(folder, 'start'), `${version}`)
  await seconds('add', '--quiet', 'data', 'start')
}

function write(): void {
  mkdirSync(join(folder, 'data'))
  for (let n = 0; n < FILES; n++) writeFileSync(join(folder, 'data', String(n)), 'x')
  writeFileSync(join(folder, 'start'), '')
  writeFileSync(join(folder, 'loop.py'), LOOP)
  const rows = Array.from(
    { length: STAGES },
    (_, n) =>
      `  s${n}: {cmd: cp ${n === 0 ? 'start' : `o${n - 1}`} o${n}, deps: [${n === 0 ? 'start' : `o${n - 1}`}], outs: [o${n}]}`,
  )
  const loop = '  loop: {cmd: python3 loop.py, deps: [loop.py, data], outs: [out]}'
  writeFileSync(join(folder, 'dvc.yaml'), `stages:\n${loop}\n${rows.join('\n')}\n`)
}

try {
  write()
  await promisify(execFile)('git', ['init', '--quiet'], { cwd: folder })
  await seconds('init', '--quiet')
  for (const target of ['loop', `s${STAGES - 1}`]) {
    const [off, first, later]: [number[], number[], number[]] = [[], [], []]
    for (let turn = 0; turn < TURNS; turn++) {
      await renewed()
      off.push(await seconds('repro', '--no-record', '--no-hermetic', target))
      await renewed()
      // Forced, it is followed whatever is known of it.
      first.push(await seconds('repro', '--no-record', '--hermetic', '-f', target))
      await renewed()
      later.push(await seconds('repro', '--no-record', '--hermetic', target))
    }
    const what = target === 'loop' ? `${FILES} opens` : `${STAGES} short stages`
    const told = {
      unit: 's CPU',
      peer: least(off),
      peerName: 'unwatched',
      better: 'lower',
    } as const
    tell({ what: `${what}, strict, first run`, orrery: least(first), ...told })
    tell({ what: `${what}, strict, later runs`, orrery: least(later), ...told })
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
