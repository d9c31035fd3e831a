import type { KeyValue } from '#tracking'

/** Whether a stage kept to what it declares, as whoever ran it saw it. */
export interface StageSight {
  readonly watch: 'strict' | 'observe' | 'off'
  /** Why less was done than was wanted; null where it was all done. */
  readonly reason: string | null
  readonly outcome: 'clean' | 'undeclared' | 'unknown'
  readonly findings: readonly SightFinding[]
}

export interface SightFinding {
  readonly kind:
    | 'undeclared-read'
    | 'undeclared-probe'
    | 'outside-read'
    | 'write-outside-outs'
    | 'network'
  readonly stage: string
  /** The path, or the address. */
  readonly what: string
  readonly words: string
  /** What to add to the stage; null where nothing would help. */
  readonly add: string | null
}

const TAG_CHARS_MAX = 5000
const TOLD_MAX = 20

/** `orrery.hermetic` says how it was watched and how that ended, `orrery.undeclared` what it did not declare. */
export function sightTags({ watch, outcome, reason, findings }: StageSight): KeyValue[] {
  const grave = findings.filter(({ kind }) => kind !== 'undeclared-probe')
  return [
    { key: 'orrery.hermetic', value: watch === 'off' ? 'off' : `${watch}: ${outcome}` },
    ...(reason === null
      ? []
      : [{ key: 'orrery.hermetic.reason', value: reason.slice(0, TAG_CHARS_MAX) }]),
    ...(grave.length === 0
      ? []
      : [
          {
            key: 'orrery.undeclared',
            value: grave
              .map(({ words }) => words)
              .join('\n')
              .slice(0, TAG_CHARS_MAX),
          },
        ]),
  ]
}

/** What the ledger keeps of it; its run has all. */
export function sightFact({ watch, outcome, findings }: StageSight) {
  return {
    watch,
    outcome,
    undeclared: findings
      .filter(({ kind }) => kind !== 'undeclared-probe')
      .slice(0, TOLD_MAX)
      .map(({ kind, what }) => ({ kind, what: what.slice(-200) })),
  }
}
