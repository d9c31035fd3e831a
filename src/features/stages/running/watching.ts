import { Problem } from '#base/problem'
import type { Watch } from '../hermetic-wish.ts'
import type { Run } from './repro-run.ts'
import { counts, findingsOf, sightOf, toldFindings, type Sight, type SightReport } from './sight.ts'
import type { Stage } from '../stage.ts'
import type { Execution } from '../store.ts'

/** Whether a stage is watched, and what becomes of what is seen. */
export interface Watching {
  readonly watch: Watch | 'off'
  /** Why less is done than was wanted. */
  readonly reason: string | null
  readonly sight: Sight | undefined
  /** Told how it went, so that the next run of the same needs only walls. */
  readonly took?: (report: SightReport | undefined, failure: string | null) => Promise<void>
}

/**
 * As the stage itself says, or else the run, or else the project; undefined where nobody wants it watched. Throws
 * `unavailable` where the machine cannot do what was asked for.
 */
export async function watchingOf(
  { ground, options }: Run,
  stage: Stage,
  { isWrapped }: { isWrapped: boolean },
): Promise<Watching | undefined> {
  const { enclosures } = ground
  if (enclosures === undefined) return undefined
  if (options.hermetic === 'off') return undefined
  const own = stage.hermetic?.watch
  const wish = own ?? options.hermetic ?? (await enclosures.wish())
  if (wish === undefined) return undefined
  if (wish === 'off') return off(`${stage.file} says so`)
  const prevented = isWrapped ? 'it runs in an image, whose walls are its own' : null
  if (prevented !== null) {
    if (wish === 'possible') return off(prevented)
    throw new Problem(
      'unsupported',
      `${stage.address} cannot be kept to what it declares: ${prevented}; say meta.hermetic: false for it`,
    )
  }
  if (wish === 'possible') return asFarAsPossible(enclosures, stage)
  const { can, reason } = await enclosures.can(wish)
  if (can) return { watch: wish, reason: null, sight: sightOf(stage, wish) }
  throw new Problem(
    'unavailable',
    `${stage.address} cannot be ${wish === 'strict' ? 'kept to what it declares' : 'observed'} on this machine: ${reason ?? ''}; ${wish === 'strict' ? 'mend that, or run with --hermetic=observe or --no-hermetic' : 'mend that, or run with --no-hermetic'}`,
  )
}

function off(reason: string): Watching {
  return { watch: 'off', reason, sight: undefined }
}

async function asFarAsPossible(
  enclosures: NonNullable<Run['ground']['enclosures']>,
  stage: Stage,
): Promise<Watching> {
  const strict = await enclosures.can('strict')
  if (strict.can) return { watch: 'strict', reason: null, sight: sightOf(stage, 'strict') }
  const observed = await enclosures.can('observe')
  return observed.can
    ? { watch: 'observe', reason: strict.reason, sight: sightOf(stage, 'observe') }
    : off(strict.reason ?? 'this machine cannot')
}

/** What is told of a stage that has run. */
export function reportOf(stage: Stage, watching: Watching, execution: Execution): SightReport {
  const { watch, reason, sight } = watching
  const { seen } = execution
  if (sight === undefined || seen === undefined)
    return { watch, reason, outcome: 'unknown', findings: [] }
  const findings = findingsOf(stage, sight, seen).slice(0, FINDINGS_MAX)
  const isEnough = seen.followed || (!sight.follow && execution.kind === 'finished')
  const outcome = findings.some(counts) ? 'undeclared' : isEnough ? 'clean' : 'unknown'
  const why = seen.followed ? reason : sight.follow ? NOT_FOLLOWED : FOLLOWED_BEFORE
  return { watch, reason: why, outcome, findings }
}

/** Findings that are kept of one run. */
const FINDINGS_MAX = 200

const NOT_FOLLOWED =
  'it was kept from what it does not declare, but strace, which would tell what it looked for, does not work here'

const FOLLOWED_BEFORE =
  'it was kept from what it does not declare; what it looks for was followed when its command, code and settings were new, and was clean'

/** What a person is told of a stage that looked further than it may; null where it did not. */
export function objectionOf(stage: Stage, report: SightReport): string | null {
  const grave = report.findings.filter(counts)
  if (grave.length === 0) return null
  return toldFindings(stage, grave).join('\n  ')
}
