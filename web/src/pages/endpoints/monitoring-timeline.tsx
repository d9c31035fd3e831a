import type { HeatRow, MonitoringWire, WindowSummary } from '#protocols/api/monitoring-wire'
import { percent } from '#web/ui/format.ts'
import { WindowGrid, type Square } from './monitoring-grid.tsx'
import { ANSWERS, digits, partName, windowName, windowSentence } from './monitoring-words.ts'

const MARKS = { good: '', warning: '▲', bad: '✕', none: '·' } as const

/** How each part of each window stands. */
export function Timeline({
  windows,
  chosen,
  onChoose,
}: {
  windows: readonly WindowSummary[]
  chosen: number
  onChoose: (at: number) => void
}) {
  const kinds = [...new Set(windows.flatMap(({ parts }) => parts.map(({ kind }) => kind)))]
  return (
    <>
      <WindowGrid
        name="Windows"
        chosen={chosen}
        names={windows.map(windowName)}
        sentence={windowSentence(windows[chosen])}
        onChoose={onChoose}
        rows={kinds.map((kind) => ({
          key: kind,
          label: partName(kind),
          squares: windows.map((window) => partSquare(window, kind)),
        }))}
      />
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-3">
        <li>
          <span
            aria-hidden
            className="mr-1 inline-block size-3 rounded-sm bg-good-tint align-[-2px]"
          />
          as it should be
        </li>
        <li>
          <span aria-hidden className="text-warning">
            ▲
          </span>{' '}
          to look at
        </li>
        <li>
          <span aria-hidden className="text-bad">
            ✕
          </span>{' '}
          bad beyond doubt
        </li>
        <li>
          <span aria-hidden>·</span> no verdict
        </li>
      </ul>
    </>
  )
}

function partSquare({ parts }: WindowSummary, kind: string): Square {
  const part = parts.find((each) => each.kind === kind)
  if (part === undefined) return { look: 'none', mark: '', words: 'was not looked at' }
  return { look: part.state, mark: MARKS[part.state], words: `${partName(kind)}, ${part.words}` }
}

/** Columns by windows: how far each is from what it is compared with, as a multiple of what counts as drift. */
export function HeatMap({
  monitoring: { windows, heat, left },
  chosen,
  feature,
  onChoose,
  onFeature,
  onAll,
}: {
  monitoring: MonitoringWire
  chosen: number
  feature: string | null | undefined
  onChoose: (at: number) => void
  onFeature: (feature: string | null) => void
  onAll: () => void
}) {
  return (
    <>
      <WindowGrid
        name="Columns"
        chosen={chosen}
        names={windows.map(windowName)}
        sentence={heatSentence(heat, chosen, windows[chosen])}
        onChoose={onChoose}
        rows={heat.map((row) => ({
          key: row.feature ?? '',
          label: (
            <button
              type="button"
              aria-pressed={row.feature === feature}
              title={row.feature ?? ANSWERS}
              className="min-h-6 max-w-full min-w-6 cursor-pointer truncate text-left underline-offset-2 hover:underline aria-pressed:font-semibold aria-pressed:text-ink"
              onClick={() => onFeature(row.feature)}
            >
              {row.feature ?? ANSWERS}
            </button>
          ),
          squares: row.cells.map((cell) => heatSquare(cell, row.measure)),
        }))}
      />
      <p className="text-xs text-ink-3">
        The stronger, the farther from what it is compared with; from ▲ on it counts as drift.
        {left === 0 ? null : (
          <>
            {' '}
            {left} more columns moved less.{' '}
            <button type="button" className="min-h-6 cursor-pointer underline" onClick={onAll}>
              Show all
            </button>
          </>
        )}
      </p>
    </>
  )
}

function heatSquare(cell: HeatRow['cells'][number], measure: string): Square {
  if (cell === null) return { look: 'none', mark: '·', words: 'not compared' }
  const { drifted, excess, usual } = cell
  return {
    look: 'heat',
    heat: Math.min(1, excess / 2),
    mark: drifted ? (usual === null ? '▲' : '△') : '',
    words: cellWords(cell, measure),
  }
}

/** `wasserstein 0.31, limit 0.13, p 0.002, PSI 0.4, 200 values`. */
export function cellWords(cell: NonNullable<HeatRow['cells'][number]>, measure: string): string {
  const { effect, threshold, missing, p, psi, values, usual } = cell
  return [
    `${measure} ${digits(effect)}`,
    `drift from ${digits(threshold)} on`,
    `p ${digits(p)}`,
    ...(psi === null ? [] : [`PSI ${digits(psi)}`]),
    ...(missing === 0 ? [] : [`missing values differ by ${percent(missing)}`]),
    `${values} values`,
    ...(usual === 'season' ? ['usual at this time'] : []),
    ...(usual === 'beginning' ? ['so since the version began'] : []),
  ].join(', ')
}

function heatSentence(
  heat: readonly HeatRow[],
  at: number,
  window: WindowSummary | undefined,
): string {
  const drifted = heat.filter(({ cells }) => cells[at]?.drifted === true)
  const names = drifted.map(({ feature }) => feature ?? ANSWERS).join(', ')
  const name = window === undefined ? '' : `${windowName(window)}: `
  return `${name}${names === '' ? 'no column drifted' : `${names} drifted`}`
}
