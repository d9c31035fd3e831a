import {
  Check,
  CircleAlert,
  CircleDashed,
  LoaderCircle,
  TriangleAlert,
  type LucideIcon,
} from 'lucide-react'
import type { ReactNode } from 'react'

/** How something stands. Each has an icon and a word, never a colour alone. */
export type State = 'good' | 'busy' | 'warning' | 'bad' | 'none'

export const STATE_ICON: Readonly<Record<State, LucideIcon>> = {
  good: Check,
  busy: LoaderCircle,
  warning: TriangleAlert,
  bad: CircleAlert,
  none: CircleDashed,
}

export const STATE_INK: Readonly<Record<State, string>> = {
  good: 'text-good',
  busy: 'text-busy',
  warning: 'text-warning',
  bad: 'text-bad',
  none: 'text-ink-3',
}

const STATE_TINT: Readonly<Record<State, string>> = {
  good: 'bg-good-tint',
  busy: 'bg-busy-tint',
  warning: 'bg-warning-tint',
  bad: 'bg-bad-tint',
  none: 'bg-sunken',
}

/** A state in a word, with its icon. */
export function StatePill({ state, children }: { state: State; children: ReactNode }) {
  const Icon = STATE_ICON[state]
  return (
    <span
      className={`inline-flex shrink-0 items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap ${STATE_INK[state]} ${STATE_TINT[state]}`}
    >
      <Icon
        aria-hidden
        size={12}
        strokeWidth={2.25}
        className={state === 'busy' ? 'turning' : undefined}
      />
      {children}
    </span>
  )
}
