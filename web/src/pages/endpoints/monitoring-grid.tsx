import { useEffect, useRef, type ReactNode } from 'react'

/** A square of the grid; what it says is told on hover, and below for those who cannot point. */
export interface Square {
  readonly look: 'good' | 'warning' | 'bad' | 'none' | 'heat'
  /** 0 to 1, how hot. */
  readonly heat?: number
  readonly mark: string
  readonly words: string
}

export interface GridRow {
  readonly key: string
  readonly label: ReactNode
  readonly squares: readonly Square[]
}

const LOOKS: Readonly<Record<Square['look'], string>> = {
  good: 'bg-good-tint text-good',
  warning: 'bg-warning-tint text-warning',
  bad: 'bg-bad-tint text-bad',
  none: 'bg-sunken text-ink-3',
  heat: 'text-ink',
}

/** Rows by windows. A click chooses the window; arrow keys do so in the slider above. */
export function WindowGrid({
  name,
  rows,
  chosen,
  names,
  sentence,
  onChoose,
}: {
  name: string
  rows: readonly GridRow[]
  chosen: number
  /** What each window is called. */
  names: readonly string[]
  sentence: string
  onChoose: (at: number) => void
}) {
  const scrolled = useRef<HTMLElement>(null)
  useEffect(() => showSquare(scrolled.current, chosen), [chosen])
  return (
    <div className="relative -m-1 flex flex-col gap-1 rounded-lg p-1 has-[>input:focus-visible]:outline-2 has-[>input:focus-visible]:outline-accent">
      <input
        type="range"
        className="sr-only"
        aria-label={`${name}: window`}
        aria-valuetext={sentence}
        min={0}
        max={Math.max(0, names.length - 1)}
        value={Math.max(0, chosen)}
        onChange={({ target }) => onChoose(Number(target.value))}
      />
      <section
        ref={scrolled}
        aria-label={`${name}, one by one`}
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="overflow-x-auto"
      >
        {/* The keyboard chooses in the slider. */}
        {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
        <div
          className="flex w-max min-w-full flex-col gap-0.5 py-1"
          onClick={({ target }) => {
            const at = target instanceof HTMLElement ? target.dataset['at'] : undefined
            if (at !== undefined) onChoose(Number(at))
          }}
        >
          {rows.map(({ key, label, squares }) => (
            <div key={key} className="flex items-center gap-2">
              <div className="sticky left-0 z-1 w-24 shrink-0 truncate bg-surface text-xs text-ink-2 sm:w-36">
                {label}
              </div>
              <div className="flex flex-1 gap-0.5">
                {squares.map((square, at) => (
                  <SquareShown
                    // A square is its place.
                    // oxlint-disable-next-line react/no-array-index-key
                    key={at}
                    square={square}
                    at={at}
                    title={`${names[at] ?? ''}: ${square.words}`}
                    isChosen={at === chosen}
                  />
                ))}
              </div>
            </div>
          ))}
          <Names names={names} chosen={chosen} />
        </div>
      </section>
    </div>
  )
}

/** On a narrow page the chosen window may lie out of sight; the page itself stays where it is. */
function showSquare(scrolled: HTMLElement | null, at: number): void {
  const square = scrolled?.querySelector<HTMLElement>(`[data-at="${at}"]`)
  if (scrolled === null || square === null || square === undefined) return
  const { left, right } = square.getBoundingClientRect()
  const inside = scrolled.getBoundingClientRect()
  const labels = square.parentElement?.previousElementSibling?.clientWidth ?? 0
  if (right > inside.right) scrolled.scrollLeft += right - inside.right
  else if (left < inside.left + labels) scrolled.scrollLeft -= inside.left + labels - left
}

function SquareShown({
  square: { look, heat = 0, mark },
  at,
  title,
  isChosen,
}: {
  square: Square
  at: number
  title: string
  isChosen: boolean
}) {
  const colour =
    look === 'heat'
      ? `color-mix(in srgb, var(--chart-drift-over) ${Math.round(heat * 70)}%, var(--sunken))`
      : undefined
  return (
    <span
      aria-hidden
      data-at={at}
      title={title}
      className={`flex h-6 min-w-6 flex-1 cursor-pointer items-center justify-center rounded-sm text-[0.6875rem] leading-none select-none ${LOOKS[look]} ${isChosen ? 'outline-2 -outline-offset-2 outline-ink' : ''}`}
      style={colour === undefined ? undefined : { background: colour }}
    >
      {mark}
    </span>
  )
}

/** The first, the chosen and the last window by their names. */
function Names({ names, chosen }: { names: readonly string[]; chosen: number }) {
  return (
    <div className="flex items-center gap-2">
      <div className="sticky left-0 w-24 shrink-0 bg-surface sm:w-36" />
      <p aria-hidden className="flex flex-1 justify-between gap-3 text-xs text-ink-3">
        <span className="truncate">{names[0]}</span>
        {chosen > 0 && chosen < names.length - 1 ? (
          <span className="truncate font-medium text-ink">{names[chosen]}</span>
        ) : null}
        <span className="truncate">{names.length > 1 ? names.at(-1) : ''}</span>
      </p>
    </div>
  )
}
