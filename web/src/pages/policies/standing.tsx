import type { PolicyShown } from '#protocols/api/policy-wire'
import { counted, inUtc } from '#web/ui/format.ts'
import { useNow } from '#web/ui/now.tsx'
import { momentIn, ownZone, until } from './words.ts'

/** When its schedule is due next, by the reader's clock and by that of the schedule. */
export function NextTick({
  policy: { next, nextSchedule, triggers, enabled },
}: {
  policy: PolicyShown
}) {
  const now = useNow()
  if (next === null || nextSchedule === null)
    return triggers.some(({ kind }) => kind === 'schedule') && !enabled
      ? 'none while it is switched off'
      : 'none: it has no schedule'
  const { timezone } = nextSchedule
  const own = ownZone()
  return (
    <>
      <time dateTime={next} title={inUtc(next)}>
        {momentIn(next, own)} ({own})
      </time>
      , {until(next, now)}
      {timezone === own ? null : (
        <span className="block text-ink-3">
          {momentIn(next, timezone)} in {timezone}
        </span>
      )}
    </>
  )
}

/** How many runs are left to it. */
export function BudgetLeft({ policy: { budget } }: { policy: PolicyShown }) {
  if (budget === null) return 'no limit'
  const left = Math.max(0, budget.runs - budget.used)
  return `${counted(left, 'run')} of ${budget.runs} left in ${budget.per}`
}

/** What is left of its rest. */
export function Rests({ policy: { rests, cooldown } }: { policy: PolicyShown }) {
  const now = useNow()
  if (rests.length === 0) return cooldown === null ? 'no' : `no; after a run for ${cooldown}`
  return rests.map(({ until: end, clock }) => (
    <span key={clock} className="block">
      {clock === 'wall'
        ? `until ${momentIn(end, ownZone())}, ${until(end, now)}`
        : `passes over findings about the time before ${inUtc(end)}`}
    </span>
  ))
}
