import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** A part of the page with a heading; stations of the loop lead to it by `id`. */
export function Card(parts: {
  id: string
  title: string
  Icon: LucideIcon
  aside?: ReactNode
  className?: string
  children: ReactNode
}) {
  const { id, title, Icon, aside, className = '', children } = parts
  return (
    <section
      id={id}
      tabIndex={-1}
      aria-labelledby={`${id}-title`}
      className={`card flex min-w-0 flex-col gap-4 rounded-xl border border-line bg-surface p-4 sm:p-5 ${className}`}
    >
      <header className="flex min-h-6 flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <h2 id={`${id}-title`} className="flex items-center gap-2 text-sm font-semibold text-ink">
          <Icon aria-hidden size={16} strokeWidth={1.75} className="text-ink-3" />
          {title}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  )
}

/** A part of a card that a station leads to. */
export function Section({
  id,
  title,
  children,
}: {
  id: string
  title: string
  children: ReactNode
}) {
  return (
    <section
      id={id}
      tabIndex={-1}
      aria-labelledby={`${id}-title`}
      className="card-part flex min-w-0 flex-col gap-2 border-t border-line pt-4"
    >
      <h3 id={`${id}-title`} className="text-xs font-medium text-ink-3">
        {title}
      </h3>
      {children}
    </section>
  )
}

/** Names and what they stand for, one under the other. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">{children}</dl>
}

export function FactRow({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 text-right wrap-anywhere text-ink">{children}</dd>
    </>
  )
}

/** A number that counts, under its name. */
export function Figure({
  name,
  value,
  unit,
}: {
  name: string
  value: string
  unit?: string | undefined
}) {
  return (
    <div className="flex min-w-0 flex-col">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="text-xl font-semibold tracking-tight text-ink tabular-nums">
        {value}
        {unit === undefined ? null : (
          <span className="ml-1 text-xs font-normal tracking-normal text-ink-3">{unit}</span>
        )}
      </dd>
    </div>
  )
}
