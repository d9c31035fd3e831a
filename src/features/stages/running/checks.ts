import type { Run } from './repro-run.ts'
import { pathsRead, type Stage } from '../stage.ts'
import type { StageChecks } from './verdict.ts'

/** The checks of a stage's data before it runs; undefined where no contract is about it. */
export async function checksOf(run: Run, stage: Stage): Promise<StageChecks | undefined> {
  const { checks } = run.ground
  if (checks === undefined) return undefined
  if (run.options.validate === false) return { outcome: 'skipped', verdicts: [] }
  const { signal } = run.options
  const verdicts = await checks.of(pathsRead(stage), signal === undefined ? {} : { signal })
  if (verdicts.length === 0) return undefined
  const outcomes = new Set(verdicts.map(({ outcome }) => outcome))
  const worst = outcomes.has('failed') ? 'failed' : outcomes.has('warned') ? 'warned' : 'passed'
  return { outcome: worst, verdicts }
}

/** Why there is nothing for a stage to read: a version of a dataset that it is to run on is gone. */
export async function lostFor({ ground }: Run, { deps }: Stage): Promise<string | undefined> {
  const names = deps.flatMap(({ dataset }) => dataset ?? [])
  return names.length === 0 ? undefined : ground.checks?.lost(names)
}

/** Why a stage must not run on its data. */
export function refusalOf(checks: StageChecks | undefined): string | undefined {
  const broken = checks?.verdicts.filter(({ outcome }) => outcome === 'failed') ?? []
  if (broken.length === 0) return undefined
  const said = broken.map(({ contract, reason }) => `${contract}: ${reason ?? ''}`)
  return `its data breaks ${said.join('; ')}. See all with \`orrery validate\`; run it all the same with --no-validate`
}
