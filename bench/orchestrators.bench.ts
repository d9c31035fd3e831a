import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '#base/problem'
import { median, tell } from './figures.ts'
import { memoryMib, runToEnd } from './peers.ts'
import { PIPELINES, type Contender, type Pipeline, type Start } from './orchestrators/contenders.ts'
import { orreryRepro, startOrrery } from './orchestrators/orrery.ts'
import { PEERS } from './orchestrators/peers.ts'

// Ten stages that write the time, in a row and side by side: from the trigger to the first stage's byte, to the end,
// and what a stage costs beyond its own command. Servers that are up are compared with ours, commands that need none
// with `orrery repro`. The first run of each is not counted. ORRERY_BENCH_PEERS=prefect,dagster chooses peers.

const TURNS = Number(process.env['ORRERY_BENCH_RUNS'] ?? 3)
const STAGES = 10
const IDLE_MS = 3000
const NAMES: Readonly<Record<Pipeline, string>> = { row: '10 in a row', side: '10 side by side' }

interface Seen {
  readonly firstMs: number
  readonly endMs: number
  /** From the first stage's byte to the last one's, for each stage that came after. */
  readonly nextMs: number
  readonly overheadMs: number
}

interface Measured {
  readonly contender: Pick<Contender, 'name' | 'kind'>
  readonly seen: Readonly<Record<Pipeline, Seen>>
  readonly mib: number | undefined
}

/** The command of a stage with nothing around it. */
async function ownMs(home: string): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < 10; turn++) {
    const began = performance.now()
    await runToEnd('/bin/sh', ['-c', 'date +%s%N > own'], { folder: home })
    times.push(performance.now() - began)
  }
  return median(times)
}

async function marksIn(folder: string): Promise<number[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = files.map((file) => readFile(join(file.parentPath, file.name), 'utf8'))
  return (await Promise.all(texts)).flatMap((text) =>
    /^\d{19}\n$/.test(text) ? [Number(text) / 1e6] : [],
  )
}

async function once(contender: Contender, pipeline: Pipeline, own: number): Promise<Seen> {
  const began = performance.timeOrigin + performance.now()
  await contender.run(pipeline)
  const endMs = performance.timeOrigin + performance.now() - began
  const marks = (await marksIn(contender.outputs(pipeline))).filter((mark) => mark >= began)
  if (marks.length !== STAGES)
    throw new Error(`${contender.name} ran ${marks.length} stages of ${STAGES}`)
  const [first, last] = [Math.min(...marks), Math.max(...marks)]
  return {
    firstMs: first - began,
    endMs,
    nextMs: (last - first) / (STAGES - 1),
    overheadMs: (endMs - own * STAGES) / STAGES,
  }
}

async function measured(contender: Contender, own: number): Promise<Measured> {
  const { name, kind, families } = contender
  await sleep(IDLE_MS)
  const shares = await Promise.all(families.map(memoryMib))
  const ofPipeline = async (pipeline: Pipeline): Promise<Seen> => {
    await once(contender, pipeline, own)
    const all: Seen[] = []
    for (let turn = 0; turn < TURNS; turn++) all.push(await once(contender, pipeline, own))
    const of = (part: keyof Seen) => median(all.map((seen) => seen[part]))
    return {
      firstMs: of('firstMs'),
      endMs: of('endMs'),
      nextMs: of('nextMs'),
      overheadMs: of('overheadMs'),
    }
  }
  const seen = { row: await ofPipeline('row'), side: await ofPipeline('side') }
  const mib = families.length === 0 ? undefined : shares.reduce((sum, share) => sum + share, 0)
  for (const pipeline of PIPELINES) {
    const { firstMs, endMs, nextMs, overheadMs } = seen[pipeline]
    const ms = [firstMs, endMs, nextMs, overheadMs].map((value) => `${value.toFixed(0)} ms`)
    console.log(
      `${name}, ${NAMES[pipeline]}: first stage ${ms[0]}, end ${ms[1]}, from stage to stage ${ms[2]}, overhead a stage ${ms[3]}`,
    )
  }
  if (mib !== undefined) console.log(`${name}: ${mib.toFixed(0)} MiB when idle`)
  return { contender: { name, kind }, seen, mib }
}

async function allOf(start: Start, home: string, own: number): Promise<Measured[]> {
  const contenders = await start(home)
  try {
    const all: Measured[] = []
    for (const contender of contenders) all.push(await measured(contender, own))
    return all
  } finally {
    const families = new Set(contenders.flatMap((contender) => contender.families))
    await Promise.all([...families].map((family) => family.end()))
  }
}

function compare(ours: Measured, theirs: Measured): void {
  const { name } = theirs.contender
  const figure = { peerName: name, better: 'lower' } as const
  for (const pipeline of PIPELINES) {
    const [our, their] = [ours.seen[pipeline], theirs.seen[pipeline]]
    const what = `${NAMES[pipeline]}, ${ours.contender.name}`
    const parts = [
      ['trigger to the first stage', 'firstMs'],
      ['trigger to the end', 'endMs'],
      ['overhead a stage', 'overheadMs'],
    ] as const
    for (const [words, part] of parts)
      tell({
        ...figure,
        what: `${what}: ${words}`,
        unit: 'ms',
        orrery: our[part],
        peer: their[part],
      })
  }
  if (ours.mib !== undefined && theirs.mib !== undefined)
    tell({
      ...figure,
      what: 'memory of what has to be up',
      unit: 'MiB',
      orrery: ours.mib,
      peer: theirs.mib,
    })
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
try {
  const own = await ownMs(home)
  console.log(`a stage's own command: ${own.toFixed(1)} ms`)
  const ours = [
    ...(await allOf(startOrrery, join(home, 'orrery'), own)),
    ...(await allOf(orreryRepro, join(home, 'repro'), own)),
  ]
  const chosen = process.env['ORRERY_BENCH_PEERS']?.split(',') ?? Object.keys(PEERS)
  for (const name of chosen.filter(Boolean)) {
    const starts = PEERS[name]
    if (starts === undefined) throw new Error(`there are ${Object.keys(PEERS).join(', ')}`)
    for (const start of starts)
      try {
        for (const theirs of await allOf(start, join(home, name), own)) {
          const match = ours.find(({ contender }) => contender.kind === theirs.contender.kind)
          if (match !== undefined) compare(match, theirs)
        }
      } catch (error) {
        console.log(`${name} is left out: ${messageOf(error).slice(0, 4000)}`)
      }
  }
} finally {
  await rm(home, { recursive: true, force: true })
}
