import type { ComparisonWire } from '#protocols/api/monitoring-wire'
import { percent } from '#web/ui/format.ts'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { digits } from './monitoring-words.ts'

/** A range of values, or one of them, with the share that each side has in it. */
export interface Bin {
  readonly name: string
  readonly before: number
  readonly now: number
}

export function binsOf({ reference: { column }, counts }: ComparisonWire): Bin[] {
  if (counts === null) return []
  const names =
    column.kind === 'numeric'
      ? rangesOf(column.edges)
      : [...column.categories, 'any other'].slice(0, column.counts.bins.length)
  const [before, now] = [rowsIn(column.counts), rowsIn(counts)]
  const bins = names.map((name, at) => ({
    name,
    before: (column.counts.bins[at] ?? 0) / before,
    now: (counts.bins[at] ?? 0) / now,
  }))
  const missing = {
    name: 'no value',
    before: column.counts.missing / before,
    now: counts.missing / now,
  }
  const all = missing.before > 0 || missing.now > 0 ? [...bins, missing] : bins
  return column.kind === 'numeric' ? all : all.filter((bin) => bin.before > 0 || bin.now > 0)
}

function rangesOf(edges: readonly number[]): string[] {
  const [first, last] = [edges[0], edges.at(-1)]
  if (first === undefined || last === undefined) return ['any value']
  const inner = edges.slice(1).map((edge, at) => `${digits(edges[at] ?? null)} to ${digits(edge)}`)
  return [`up to ${digits(first)}`, ...inner, `above ${digits(last)}`]
}

function rowsIn({ bins, missing }: { bins: readonly number[]; missing: number }): number {
  return Math.max(
    1,
    bins.reduce((sum, each) => sum + each, missing),
  )
}

const HEIGHT = 120
const STEP = 20

/** Two bars a bin; the table below has the same in numbers. */
export function BinBars({ bins }: { bins: readonly Bin[] }) {
  const most = Math.max(0.01, ...bins.flatMap(({ before, now }) => [before, now]))
  const width = Math.max(1, bins.length) * STEP
  return (
    <figure className="flex flex-col gap-1">
      <svg
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- it is drawn here
        role="img"
        aria-label={sentenceOf(bins)}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-36 w-full max-w-3xl border-b border-line-strong"
      >
        {bins.map(({ name, before, now }, at) => (
          <g key={name}>
            <title>{`${name}: ${percent(before)} before, ${percent(now)} now`}</title>
            <rect x={at * STEP} y={0} width={STEP} height={HEIGHT} fill="transparent" />
            <Bar x={at * STEP + 2} share={before / most} className="fill-chart-drift" />
            <Bar x={at * STEP + 10} share={now / most} className="fill-chart-auc" />
          </g>
        ))}
      </svg>
      <figcaption aria-hidden className="flex max-w-3xl justify-between gap-3 text-xs text-ink-3">
        <span className="truncate">{bins[0]?.name}</span>
        <span className="truncate">{bins.at(-1)?.name}</span>
      </figcaption>
    </figure>
  )
}

function Bar({ x, share, className }: { x: number; share: number; className: string }) {
  const height = share * (HEIGHT - 4)
  return <rect x={x} y={HEIGHT - height} width={8} height={height} className={className} />
}

function sentenceOf(bins: readonly Bin[]): string {
  const [most] = bins.toSorted(
    (one, other) => Math.abs(other.now - other.before) - Math.abs(one.now - one.before),
  )
  if (most === undefined) return 'nothing to compare'
  return `Shares of values. Changed most: ${most.name}, ${percent(most.before)} before and ${percent(most.now)} now.`
}

export function BinTable({ bins }: { bins: readonly Bin[] }) {
  return (
    <details className="text-[0.8125rem]">
      <summary className="w-fit cursor-pointer rounded-md py-0.5 text-ink-2 underline-offset-4 hover:underline">
        The same as a table
      </summary>
      <section
        aria-label="Shares of values"
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="mt-2 max-h-80 overflow-auto"
      >
        <table className="w-full max-w-xl">
          <thead>
            <tr>
              <th scope="col" className={HEAD}>
                Values
              </th>
              <th scope="col" className={`${HEAD} text-right`}>
                Compared with
              </th>
              <th scope="col" className={`${HEAD} text-right`}>
                This window
              </th>
            </tr>
          </thead>
          <tbody>
            {bins.map(({ name, before, now }) => (
              <tr key={name}>
                <td className={`${CELL} wrap-anywhere`}>{name}</td>
                <td className={NUMBER}>{percent(before)}</td>
                <td className={NUMBER}>{percent(now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}
