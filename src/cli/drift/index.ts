import { Problem } from '#base/problem'
import { compareTables, PRESETS, type DriftReport, type DriftRequest, type Preset } from '#drift'
import { withDriftEngine } from '#app/drift-files'
import { showShare } from '../tables/share.ts'
import { reportLines } from './lines.ts'
import { tableNamed } from './sides.ts'

export interface DriftFlags {
  readonly reference: string
  readonly current: string
  readonly preset: string
  readonly columns?: readonly string[] | undefined
  readonly share?: number | undefined
  readonly minSamples: number
  readonly details: boolean
  readonly failOnDrift: boolean
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

/** Compares and prints; true where something drifted. */
export async function driftOfFiles(flags: DriftFlags): Promise<boolean> {
  const request = requestOf(flags)
  const progress = showShare('Comparing', flags)
  const [reference, current] = [await tableNamed(flags.reference), await tableNamed(flags.current)]
  const report = await withDriftEngine((engine) =>
    engine.pair({ reference, current }, (reader) =>
      compareTables(reader, { ...request, onProgress: progress.at }),
    ),
  ).finally(progress.end)
  if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
  else process.stdout.write(`${reportLines(report, flags).join('\n')}\n`)
  return hasDrifted(report)
}

function hasDrifted({ verdict, windows }: DriftReport): boolean {
  return verdict === 'drifted' || (windows ?? []).some((each) => each.verdict === 'drifted')
}

function requestOf(flags: DriftFlags): DriftRequest {
  const { share, minSamples } = flags
  if (share !== undefined && !(share >= 0 && share <= 1))
    throw new Problem('invalid', '--share takes a part of the columns, from 0 to 1')
  if (!Number.isSafeInteger(minSamples) || minSamples < 1)
    throw new Problem('invalid', '--min-samples takes a whole number from 1')
  return {
    preset: presetOf(flags.preset),
    columns: flags.columns?.flatMap((each) => each.split(',')).filter((each) => each !== ''),
    spans: null,
    shareMax: share,
    samplesMin: minSamples,
  }
}

function presetOf(word: string): Preset {
  const found = PRESETS.find((each) => each === word)
  if (found === undefined)
    throw new Problem('invalid', `${word} is no preset; there are ${PRESETS.join(', ')}`)
  return found
}
