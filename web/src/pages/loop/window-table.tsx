import { useState } from 'react'
import type { MarkWire, WindowWire } from '#protocols/api/overview-wire'
import { count, day, percent, score } from '#web/ui/format.ts'
import { marksOn } from './window-charts.ts'

/** The numbers of the charts, newest first, for those who would rather read them. */
export function WindowTable({
  windows,
  marks,
}: {
  windows: readonly WindowWire[]
  marks: readonly MarkWire[]
}) {
  const [open, setOpen] = useState(false)
  return (
    <details
      className="text-[0.8125rem]"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className="w-fit cursor-pointer rounded-md py-0.5 text-ink-2 underline-offset-4 hover:underline">
        The same as a table
      </summary>
      {open ? (
        <section
          tabIndex={0}
          aria-label="Windows, newest first"
          className="mt-2 max-h-80 overflow-auto rounded-lg border border-line"
        >
          <table className="w-full border-collapse text-left tabular-nums">
            <thead className="sticky top-0 bg-sunken text-xs text-ink-2">
              <tr>
                <th className="px-3 py-2 font-medium">Day</th>
                <th className="px-3 py-2 text-right font-medium">AUC</th>
                <th className="px-3 py-2 text-right font-medium">95 % interval</th>
                <th className="px-3 py-2 text-right font-medium">Drift</th>
                <th className="px-3 py-2 text-right font-medium">Predictions</th>
                <th className="px-3 py-2 text-right font-medium">Truths</th>
                <th className="px-3 py-2 font-medium">What happened</th>
              </tr>
            </thead>
            <tbody>
              {windows.toReversed().map((window) => (
                <WindowRow key={window.start} window={window} marks={marksOn(window, marks)} />
              ))}
            </tbody>
          </table>
        </section>
      ) : null}
    </details>
  )
}

function WindowRow({ window, marks }: { window: WindowWire; marks: readonly MarkWire[] }) {
  return (
    <tr className="border-t border-line">
      <td className="px-3 py-1.5 whitespace-nowrap">{day(window.start)}</td>
      <td className="px-3 py-1.5 text-right">{window.auc === null ? '–' : score(window.auc)}</td>
      <td className="px-3 py-1.5 text-right whitespace-nowrap text-ink-3">
        {window.low === null || window.high === null
          ? '–'
          : `${score(window.low)} to ${score(window.high)}`}
      </td>
      <td className="px-3 py-1.5 text-right">
        {window.driftShare === null ? '–' : percent(window.driftShare)}
      </td>
      <td className="px-3 py-1.5 text-right">{count(window.predictions)}</td>
      <td className="px-3 py-1.5 text-right">{count(window.labels)}</td>
      <td className="min-w-56 px-3 py-1.5 text-ink-2">
        {marks.map((mark) => mark.words).join('; ')}
      </td>
    </tr>
  )
}
