import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { monitorsBin } from '../tests/support/python.ts'
import { tell } from './figures.ts'
import { startOrrery } from './peers.ts'

// Real streams that drift, window by window: a model answers, truths follow, and it is trained anew when somebody says
// so. What training anew gained, by who said when: nobody, the calendar, alerts of ours, Evidently, NannyML.
// ORRERY_BENCH_WHEELS=FOLDER holds the wheel of scikit-multiflow 0.1.3, which has two of the streams; without it, it is fetched.
// ORRERY_BENCH_STREAMS=a,b and ORRERY_BENCH_POLICIES=a,b choose.

const run = promisify(execFile)
const WHEEL =
  '--only-binary :all: --no-deps --python-version 3.5 --implementation cp --abi cp35m --platform manylinux1_x86_64'
const FLIGHTS = process.env['ORRERY_FLIGHTS'] ?? 'examples/flights/months'
const chosen = (name: string, all: string) => (process.env[name] ?? all).split(',').filter(Boolean)
const streams = chosen('ORRERY_BENCH_STREAMS', 'electricity,weather,flights,employment,car-loan')
const policies = chosen('ORRERY_BENCH_POLICIES', 'never,schedule,orrery,nannyml,evidently')

interface Played {
  readonly stream: string
  readonly policy: string
  readonly windows: number
  readonly auc: number
  readonly accuracy: number
  readonly retrained: readonly number[]
}

const home = await mkdtemp(join(tmpdir(), 'orrery-streams-'))
const server = await startOrrery(join(home, 'orrery'))
try {
  const wheels = process.env['ORRERY_BENCH_WHEELS'] ?? (await fetched(join(home, 'wheels')))
  for (const stream of streams) {
    const played: Played[] = []
    for (const policy of policies) played.push(await play(wheels, stream, policy))
    report(played)
  }
} finally {
  await server.stop()
  await rm(home, { recursive: true, force: true })
}

async function fetched(folder: string): Promise<string> {
  const args = ['-m', 'pip', 'download', ...WHEEL.split(' '), '-d', folder]
  await run(join(monitorsBin(), 'python'), [...args, 'scikit-multiflow==0.1.3'])
  return folder
}

async function play(wheels: string, stream: string, policy: string): Promise<Played> {
  const script = join(import.meta.dirname, 'streams', 'policies.py')
  const args = [script, wheels, FLIGHTS, server.url, stream, policy]
  const { stdout } = await run(join(monitorsBin(), 'python'), args, { maxBuffer: 64 * 1024 ** 2 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Played
}

function report(played: readonly Played[]): void {
  const never = played.find(({ policy }) => policy === 'never')
  for (const { stream, policy, windows, auc, accuracy, retrained } of played) {
    const gain = never === undefined ? '' : `, ${signed(auc - never.auc)} over never`
    console.log(
      `${stream.padEnd(12)} ${policy.padEnd(10)} ROC-AUC ${auc.toFixed(4)}${gain}; accuracy ${accuracy.toFixed(4)}; trained anew ${retrained.length} times in ${windows} windows`,
    )
  }
  const ours = played.find(({ policy }) => policy === 'orrery')
  for (const peer of played.filter(({ policy }) => policy === 'nannyml' || policy === 'evidently'))
    if (ours !== undefined)
      tell({
        what: `${peer.stream}, trained anew when told to, ${ours.retrained.length} and ${peer.retrained.length} times`,
        unit: 'ROC-AUC',
        orrery: ours.auc,
        peer: peer.auc,
        peerName: peer.policy,
        better: 'higher',
      })
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
}
