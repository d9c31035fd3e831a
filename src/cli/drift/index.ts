import { Problem } from '#base/problem'
import {
  compareTables,
  compareWithProfile,
  PRESETS,
  statisticNamed,
  statisticNames,
  type DriftReport,
  type DriftRequest,
  type Preset,
} from '#drift'
import { spansOf } from './spans.ts'
import { withDriftEngine } from '#app/monitoring/drift-files'
import { showShare } from '../tables/share.ts'
import { reportLines } from './lines.ts'
import { storedProfile } from './stored.ts'
import { tableNamed } from './sides.ts'

export interface DriftFlags {
  readonly reference: string
  readonly current: string
  readonly preset: string
  readonly columns?: readonly string[] | undefined
  readonly statistic?: readonly string[] | undefined
  readonly by?: string | undefined
  readonly window?: string | undefined
  readonly share?: number | undefined
  readonly minSamples: number
  readonly details: boolean
  readonly multivariate?: boolean | undefined
  readonly failOnDrift: boolean
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

/** Compares and prints; true where something drifted. */
export async function driftOfFiles(flags: DriftFlags): Promise<boolean> {
  const request = requestOf(flags)
  const progress = showShare('Comparing', flags)
  const report = await compared(flags, { ...request, onProgress: progress.at }).finally(
    progress.end,
  )
  if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
  else process.stdout.write(`${reportLines(report, flags).join('\n')}\n`)
  return hasDrifted(report)
}

async function compared(flags: DriftFlags, request: DriftRequest): Promise<DriftReport> {
  const profile = storedProfile(flags.reference)
  const current = await tableNamed(flags.current)
  if (profile !== undefined)
    return withDriftEngine((engine) =>
      engine.single(current, (reader) =>
        compareWithProfile(reader, { name: flags.reference, profile }, request),
      ),
    )
  const reference = await tableNamed(flags.reference)
  return withDriftEngine((engine) =>
    engine.pair({ reference, current }, (reader) => compareTables(reader, request)),
  )
}

function hasDrifted({ verdict, windows, multivariate }: DriftReport): boolean {
  if (verdict === 'drifted' || multivariate?.verdict === 'drifted') return true
  return (windows ?? []).some((each) => each.verdict === 'drifted')
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
    statistics: statisticsOf(flags.statistic ?? []),
    spans: spansOf(flags),
    shareMax: share,
    samplesMin: minSamples,
    multivariate: flags.multivariate,
  }
}

function statisticsOf(words: readonly string[]): string[] {
  return words
    .flatMap((each) => each.split(','))
    .filter((each) => each !== '')
    .map((word) => {
      const name = statisticNamed(word)
      if (name === undefined)
        throw new Problem(
          'invalid',
          `${word} is no statistic; there are ${statisticNames.join(', ')}`,
        )
      return name
    })
}

function presetOf(word: string): Preset {
  const found = PRESETS.find((each) => each === word)
  if (found === undefined)
    throw new Problem('invalid', `${word} is no preset; there are ${PRESETS.join(', ')}`)
  return found
}
