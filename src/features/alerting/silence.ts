import { Problem } from '#base/problem'
import type { Fact } from '#ledger'
import { COMMENT_CHARS_MAX, fits, LABELS, type Matchers, type Trouble } from './trouble.ts'

/** Until then nobody is told of what it fits. */
export interface Silence {
  readonly id: string
  readonly matchers: Matchers
  readonly comment: string
  readonly by: string
  readonly createdMs: number
  readonly untilMs: number
}

/** Longer is no silence but a route that is missing. */
const SILENCE_MAX_MS = 366 * 86_400_000

/** The end of the last silence that covers a trouble now; undefined where none does. */
export function silencedUntilMs(
  trouble: Trouble,
  silences: readonly Silence[],
  nowMs: number,
): number | undefined {
  const ends = silences
    .filter(({ untilMs, matchers }) => untilMs > nowMs && fits(trouble, matchers))
    .map(({ untilMs }) => untilMs)
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** Throws `invalid` for a silence of everything, for ever, or without a reason. */
export function checkedSilence(
  given: { matchers: Matchers; comment: string; untilMs: number },
  nowMs: number,
): void {
  if (!LABELS.some((label) => given.matchers[label] !== undefined))
    throw new Problem(
      'invalid',
      `a silence needs to say of what: give at least one of ${LABELS.join(', ')}, such as endpoint=flights-late`,
    )
  if (given.comment.trim() === '')
    throw new Problem('invalid', 'a silence needs a comment: say why nobody needs to hear of this')
  if (given.comment.length > COMMENT_CHARS_MAX)
    throw new Problem('invalid', `the comment has at most ${COMMENT_CHARS_MAX} characters`)
  if (!(given.untilMs > nowMs))
    throw new Problem('invalid', 'the silence would be over already; let it end in the future')
  if (given.untilMs > nowMs + SILENCE_MAX_MS)
    throw new Problem(
      'invalid',
      'a silence lasts a year at most; what nobody ever needs to hear of is better left out by a route in orrery.yaml',
    )
}

export function silenceAdded({ id, matchers, comment, untilMs }: Silence): Fact {
  return {
    type: 'silence-added',
    data: {
      silence: id,
      matchers: JSON.parse(JSON.stringify(matchers)) as Fact['data'],
      comment,
      until: new Date(untilMs).toISOString(),
    },
  }
}

export function silenceEnded({ id, comment }: Silence): Fact {
  return { type: 'silence-ended', data: { silence: id, comment } }
}
