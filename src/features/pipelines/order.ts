import { Problem } from '#base/problem'
import { isInside } from '#projects'
import { overridesOf } from '#stages'

/** What is asked of the server: to run a project's pipeline at a commit, in its own clone. */
export interface RunOrder {
  readonly project: string
  /** A branch, a tag or a commit; the project's own branch without it. */
  readonly rev?: string
  /** The commit that `rev` means, where whoever asks knows it; found out when the run begins without it. */
  readonly commit?: string
  /** Stages with all that they need; none means all. */
  readonly targets?: readonly string[]
  /** Changes of parameters, as `-S` has them: `train.depth=5`. */
  readonly overrides?: readonly string[]
  /** Variables that the commands of all stages get. */
  readonly variables?: Readonly<Record<string, string>>
  /** Data that is put into the work tree before, and tracked there. */
  readonly data?: readonly ChosenData[]
  /** Runs stages that are up to date as well. */
  readonly force?: boolean
  /** The policy run that asks; none where a person does. */
  readonly cause?: string
  /** Runs of one lane wait for each other; by default those of one project and branch. Null waits for none. */
  readonly lane?: Lane | null
  /** Names the request: asked twice, it is one. It also names the branch of the new lock. */
  readonly id?: string
}

/** Data that a run is given at a path: versions of what the project tracks, or what was predicted and true. */
export type ChosenData =
  | { readonly kind: 'last'; readonly path: string; readonly of: string; readonly count: number }
  | {
      readonly kind: 'window'
      readonly path: string
      readonly endpoint: string
      /** Of event time; or so much of it as there is when the run begins, its end held out. */
      readonly span:
        | { readonly fromMs: number; readonly toMs: number }
        | { readonly lengthMs: number; readonly holdoutMs: number }
      /** The window that it is, or ends with. */
      readonly window: string | null
    }

export interface Lane {
  readonly name: string
  /** How many of it may run at once. */
  readonly limit: number
}

const TARGETS_MAX = 1000
const OVERRIDES_MAX = 200
const VARIABLES_MAX = 100
const TEXT_CHARS_MAX = 10_000
const REV_CHARS_MAX = 250

/** Throws an `invalid` problem for what could not be run as it is written, or could do more than it says. */
export function checkedOrder(order: RunOrder): RunOrder {
  if (order.id !== undefined && !/^[A-Za-z0-9][\w.-]{0,99}$/.test(order.id))
    throw new Problem(
      'invalid',
      `${JSON.stringify(order.id)} cannot name a run; take up to 100 letters, digits, "-", "_" and "."`,
    )
  if (order.rev !== undefined) checkRev(order.rev)
  if (order.commit !== undefined && !/^[0-9a-f]{40,64}$/.test(order.commit))
    throw new Problem('invalid', `${JSON.stringify(order.commit)} is no whole commit id`)
  checkTexts('stages', order.targets ?? [], TARGETS_MAX)
  checkTexts('overrides', order.overrides ?? [], OVERRIDES_MAX)
  overridesOf(order.overrides ?? [])
  for (const target of order.targets ?? [])
    if (target.startsWith('-'))
      throw new Problem(
        'invalid',
        `${JSON.stringify(target)} looks like an option, not like a stage`,
      )
  checkVariables(order.variables ?? {})
  for (const { path } of order.data ?? [])
    if (!isInside(path))
      throw new Problem('invalid', `${JSON.stringify(path)} is no place for data of a run`)
  return order
}

/** Git would take what begins with a dash for an option, and some forms reach beyond the branches of the origin. */
function checkRev(rev: string): void {
  const isPlain = /^[A-Za-z0-9_][\w./+-]*([~^]\d{0,4})*$/.test(rev) && !rev.includes('..')
  if (!isPlain || rev.length > REV_CHARS_MAX)
    throw new Problem(
      'invalid',
      `${JSON.stringify(rev)} is no revision that can be run; name a branch, a tag or a commit`,
    )
}

function checkTexts(what: string, texts: readonly string[], most: number): void {
  if (texts.length > most) throw new Problem('invalid', `a run takes at most ${most} ${what}`)
  const bad = texts.find((text) => text === '' || text.length > TEXT_CHARS_MAX || hasNul(text))
  if (bad !== undefined)
    throw new Problem('invalid', `${JSON.stringify(bad.slice(0, 100))} is none of a run's ${what}`)
}

/** These steer the programs around a stage, or tell it who and where it is. */
const RESERVED =
  /^(PATH|HOME|SHELL|IFS|ENV|BASH_.*|LD_.*|DYLD_.*|GIT_.*|DVC_.*|MLFLOW_.*|NODE_.*|PYTHON.*|ORRERY_(COMMAND|HOME|URL|DATABASE|KEYS))$/

function checkVariables(variables: Readonly<Record<string, string>>): void {
  const named = Object.entries(variables)
  if (named.length > VARIABLES_MAX)
    throw new Problem('invalid', `a run takes at most ${VARIABLES_MAX} variables`)
  for (const [name, value] of named) {
    if (!/^[A-Za-z_]\w{0,99}$/.test(name) || value.length > TEXT_CHARS_MAX || hasNul(value))
      throw new Problem('invalid', `${JSON.stringify(name)} is no variable that a run can be given`)
    if (RESERVED.test(name))
      throw new Problem(
        'invalid',
        `${name} is set by the server and cannot be given to a run; take another name`,
      )
  }
}

function hasNul(text: string): boolean {
  return text.includes('\0')
}
