import { useEffect, useRef, useState } from 'react'
import { PLACES, singleKeysAreOn, turnSingleKeys } from './keys.ts'

const KEYS = [
  { keys: 'Ctrl K, ⌘ K', does: 'Go to a page, a dataset, an experiment, a run or a model' },
  { keys: '/', does: 'Type a filter' },
  { keys: 'j  k', does: 'The next row, the one before' },
  { keys: 'Enter', does: 'Open it' },
  { keys: 'x', does: 'Choose a run to compare' },
  { keys: '← →', does: 'Close or open the runs below a run' },
  { keys: 'Esc', does: 'Leave a field or a menu; else go to the page above' },
  ...Object.entries(PLACES).map(([key, { words }]) => ({ keys: `g ${key}`, does: words })),
  { keys: '?', does: 'This help' },
]

/** What the keys do. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [on, setOn] = useState(singleKeysAreOn)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={onClose}
      className="m-auto w-full max-w-md rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <div className="flex flex-col gap-4">
        <h2 id="help-title" className="text-lg font-semibold">
          Keys
        </h2>
        <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">
          {KEYS.map(({ keys, does }) => (
            <div key={keys} className="contents">
              <dt>
                <kbd className="rounded border border-line bg-sunken px-1.5 font-sans text-xs whitespace-nowrap">
                  {keys}
                </kbd>
              </dt>
              <dd className="text-ink-2">{does}</dd>
            </div>
          ))}
        </dl>
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={on}
            onChange={() => {
              turnSingleKeys(!on)
              setOn(!on)
            }}
          />
          Keys without Ctrl or ⌘
        </label>
        <form method="dialog" className="flex justify-end">
          <button type="submit" className="button">
            Close
          </button>
        </form>
      </div>
    </dialog>
  )
}
