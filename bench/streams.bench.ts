import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { monitorsBin } from '../tests/support/python.ts'
import { tell } from './figures.ts'
import { startOrrery } from './peers.ts'
import { fetchedWheel } from './streams/wheel.ts'

// Real streams that drift, window by window: a model answers, truths follow, and it is trained anew when somebody says
// so. What that gained, by who said when: nobody, the calendar, alerts of ours, Evidently, NannyML; beside what as many
// trainings gain at times drawn by chance (seeded), so that when is told from how often.
// ORRERY_BENCH_WHEELS=FOLDER holds the wheel of scikit-multiflow 0.1.3, which has two of the streams; without it, it is fetched.
// ORRERY_BENCH_STREAMS=a,b and ORRERY_BENCH_TRIGGERS=a,b choose.

const run = promisify(execFile)
const FLIGHTS = process.env['ORRERY_FLIGHTS'] ?? 'examples/flights/months'
const streams = (
  process.env['ORRERY_BENCH_STREAMS'] ??
  'electricity,weather,flights,flight-months,employment,car-loan'
).split(',')
const triggers =
  process.env['ORRERY_BENCH_TRIGGERS'] ?? 'never,schedule,orrery,orrery-any,nannyml,evidently'

interface Stream {
  readonly stream: string
  readonly periods: number
  readonly played: readonly Played[]
}

interface Played {
  readonly trigger: string
  readonly auc: number
  readonly retrained: readonly number[]
  /** Of as many trainings at times by chance: the mean, and the middle 90 %. */
  readonly chance: number
  readonly chanceLow: number
  readonly chanceHigh: number
  /** The share of the draws by chance that were better. */
  readonly luckier: number
  /** Of as many at even distances, and at the best times that there were. */
  readonly evenly: number
  readonly best: number
}

const home = await mkdtemp(join(tmpdir(), 'orrery-streams-'))
const server = await startOrrery(join(home, 'orrery'))
try {
  const wheels = process.env['ORRERY_BENCH_WHEELS'] ?? (await fetchedWheel(join(home, 'wheels')))
  for (const stream of streams) report(await play(wheels, stream))
} finally {
  await server.stop()
  await rm(home, { recursive: true, force: true })
}

async function play(wheels: string, stream: string): Promise<Stream> {
  const script = join(import.meta.dirname, 'streams', 'play.py')
  const args = [script, wheels, FLIGHTS, server.url, stream, triggers]
  const playing = run(join(monitorsBin(), 'python'), args, { maxBuffer: 64 * 1024 ** 2 })
  playing.child.stderr?.pipe(process.stderr)
  const { stdout } = await playing
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Stream
}

function report({ stream, periods, played }: Stream): void {
  const never = played.find(({ trigger }) => trigger === 'never')
  console.log(
    `| ${stream}, ${periods} | ROC-AUC | trained anew | gain | of each | as often by chance |`,
  )
  for (const each of played) {
    const gain = never === undefined ? Number.NaN : each.auc - never.auc
    const cells = [
      each.trigger,
      each.auc.toFixed(4),
      each.retrained.length,
      signed(gain),
      each.retrained.length === 0 ? '–' : signed(gain / each.retrained.length),
      `${each.chance.toFixed(4)} (${each.chanceLow.toFixed(4)}–${each.chanceHigh.toFixed(4)}), better ${(100 * each.luckier).toFixed(0)} %; evenly ${each.evenly.toFixed(4)}; at best ${each.best.toFixed(4)}`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const ours = played.find(({ trigger }) => trigger === 'orrery')
  for (const peer of played.filter(({ trigger }) => ['nannyml', 'evidently'].includes(trigger)))
    if (ours !== undefined)
      tell({
        what: `${stream}, trained anew when told to, ${ours.retrained.length} and ${peer.retrained.length} times`,
        unit: 'ROC-AUC',
        orrery: ours.auc,
        peer: peer.auc,
        peerName: peer.trigger,
        better: 'higher',
      })
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
}
