import { Problem } from '#base/problem'

/** A registered way to judge answers; registering it again makes the next version. */
export interface ScorerVersion {
  readonly experimentId: string
  readonly name: string
  readonly scorerId: string
  readonly version: number
  /** As its client wrote it. It is never run here. */
  readonly serialized: string
  readonly createdMs: number
}

const NAME_CHARS_MAX = 256

export function checkedScorerName(name: string): string {
  const fits = name.trim() !== '' && name.length <= NAME_CHARS_MAX
  // The ledger tells names, and takes only text that is text.
  if (fits && name.isWellFormed() && !name.includes('\0')) return name
  throw new Problem(
    'invalid',
    `Scorer name cannot be empty or contain only whitespace, and has at most ${NAME_CHARS_MAX} characters`,
  )
}

export function scorerNotFound(experimentId: string, name: string, version?: number): Problem {
  const which = version === undefined ? '' : ` and version ${version}`
  return new Problem(
    'not-found',
    `Scorer with name '${name}'${which} not found for experiment ${experimentId}; register it, or list those that are there`,
  )
}
