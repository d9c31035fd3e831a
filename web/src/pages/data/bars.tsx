import { said, shareSaid } from './cells.ts'

const WIDTH = 180
const HEIGHT = 40

type Bound = number | string

/** A histogram, with its range below; who does not see it is told where most of it lies. */
export function Bars(parts: { from: Bound; to: Bound; counts: readonly number[] }) {
  const { from, to, counts } = parts
  const most = Math.max(...counts, Number.MIN_VALUE)
  const total = counts.reduce((sum, each) => sum + each, 0)
  const fullest = counts.indexOf(Math.max(...counts)) + 1
  const words = `From ${said(from)} to ${said(to)} in ${counts.length} bins; bin ${fullest} has the most, ${shareSaid(Math.max(...counts), total)}`
  return (
    <Frame from={from} to={to} words={words}>
      <path d={barsOf(counts.map((each) => each / most))} fill="var(--chart-auc)" />
    </Frame>
  )
}

/** Two histograms over one range: the new one in bars, the old one as a line over them. */
export function TwoBars(parts: {
  from: Bound
  to: Bound
  old: readonly number[]
  current: readonly number[]
}) {
  const { from, to, old, current } = parts
  const most = Math.max(...old, ...current, Number.MIN_VALUE)
  const step = WIDTH / Math.max(1, old.length)
  const line = old
    .map((share, at) => {
      const y = HEIGHT - (share / most) * (HEIGHT - 2)
      return `${at === 0 ? 'M' : 'L'}${at * step} ${y}H${(at + 1) * step}`
    })
    .join('')
  const moved = old.reduce((sum, share, at) => sum + Math.abs(share - (current[at] ?? 0)), 0) / 2
  const words = `From ${said(from)} to ${said(to)}; ${shareSaid(moved, 1)} of the values lie elsewhere than before`
  return (
    <Frame from={from} to={to} words={words}>
      <path d={barsOf(current.map((share) => share / most))} fill="var(--chart-auc)" />
      <path d={line} fill="none" stroke="var(--chart-drift-over)" strokeWidth="1.75" />
    </Frame>
  )
}

/** The outline of bars that are so high, of the height that there is. */
function barsOf(shares: readonly number[]): string {
  const step = WIDTH / Math.max(1, shares.length)
  return shares
    .map((share, at) => {
      // What is there at all can be seen.
      const height = share === 0 ? 0 : Math.max(1, share * (HEIGHT - 2))
      const width = Math.max(0.5, step - 1)
      return `M${at * step + 0.5} ${HEIGHT}v${-height}h${width}v${height}z`
    })
    .join('')
}

function Frame(parts: { from: Bound; to: Bound; words: string; children: React.ReactNode }) {
  const { from, to, words, children } = parts
  return (
    <figure className="w-48">
      <svg
        // A drawing that is made here has no file to be an image of.
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role
        role="img"
        aria-label={words}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-10 w-full border-b border-line-strong"
      >
        {children}
      </svg>
      <figcaption
        aria-hidden
        className="flex justify-between gap-2 text-[0.6875rem] text-ink-3 tabular-nums"
      >
        <span>{said(from)}</span>
        <span>{said(to)}</span>
      </figcaption>
    </figure>
  )
}

const SHOWN = 4

/** The most frequent values, each with its share of the rows, and with what it was before. */
export function TopValues({
  values,
}: {
  values: readonly { value: string; share: number; before?: number }[]
}) {
  return (
    <ul className="flex w-48 flex-col gap-0.5 text-xs">
      {values.slice(0, SHOWN).map(({ value, share, before }) => (
        <li key={value} className="flex flex-col">
          <span className="flex justify-between gap-2">
            <span className="truncate" title={value}>
              {value === '' ? 'empty' : value}
            </span>
            <span className="whitespace-nowrap text-ink-3 tabular-nums">
              {before === undefined ? '' : `${shareSaid(before, 1)} → `}
              {shareSaid(share, 1)}
            </span>
          </span>
          <svg
            aria-hidden
            viewBox="0 0 100 4"
            preserveAspectRatio="none"
            className="h-1 w-full rounded-full bg-sunken"
          >
            <rect width={share * 100} height="4" fill="var(--chart-auc)" />
            {before === undefined ? null : (
              <rect
                x={Math.min(99, before * 100)}
                width="1"
                height="4"
                fill="var(--chart-drift-over)"
              />
            )}
          </svg>
        </li>
      ))}
      {values.length > SHOWN ? (
        <li className="text-ink-3">and {values.length - SHOWN} more values</li>
      ) : null}
    </ul>
  )
}
