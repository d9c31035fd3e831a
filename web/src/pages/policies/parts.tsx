import { Link } from '@tanstack/react-router'
import { useEffect, useRef, type ReactNode } from 'react'
import type { PolicyRunShown } from '#protocols/api/policy-wire'
import { LINK } from '#web/ui/page.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'
import { STANDS } from './words.ts'

/** How something stands, in the words of its table. */
export function Standing({
  word,
  of = STANDS,
}: {
  word: string
  of?: Readonly<Record<string, readonly [State, string]>>
}) {
  const [state, words] = of[word] ?? (['none', word] as const)
  return <StatePill state={state}>{words}</StatePill>
}

/** The policies and the backfills are pages beside each other. */
export function PoliciesTabs() {
  return (
    <nav aria-label="Policies" className="flex gap-1 overflow-x-auto border-b border-line">
      {(
        [
          { to: '/policies', words: 'Policies' },
          { to: '/policies/backfills', words: 'Backfills' },
        ] as const
      ).map(({ to, words }) => (
        <Link
          key={to}
          to={to}
          search={{}}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ className: 'border-accent text-ink', 'aria-current': 'page' }}
          inactiveProps={{ className: 'border-transparent text-ink-2' }}
          className="-mb-px flex min-h-9 items-center border-b-2 px-3 text-sm whitespace-nowrap hover:text-ink"
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

/** The server asks for a run of the pipeline under the name of the policy run, where that is short enough. */
const NAME_MAX = 100

/** The run of the pipeline that a policy run asked for; null while there is none. */
export function pipelineRunOf({ id, state, pipelineRun }: PolicyRunShown): string | null {
  if (state === 'queued') return null
  return id.length <= NAME_MAX ? id : pipelineRun
}

/** The way to a run of a pipeline. */
export function PipelineLink({ run, children }: { run: string; children: ReactNode }) {
  return (
    <Link to="/pipelines/$run" params={{ run }} search={{}} className={LINK}>
      {children}
    </Link>
  )
}

/** An entry of the ledger, shown on Home. */
export function EntryLink({ entry, children }: { entry: number; children: ReactNode }) {
  return (
    <Link to="/" search={{ entry }} hash="ledger" className={LINK}>
      {children}
    </Link>
  )
}

/** Asks once more before something is done; what went wrong stands where it was asked. */
export function Confirm(parts: {
  title: string
  /** What the button says that does it. */
  does: string
  isPending: boolean
  error: Error | null
  onDo: () => void
  onClose: () => void
  children: ReactNode
}) {
  const { title, does, isPending, error, onDo, onClose, children } = parts
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm-title"
      onClose={onClose}
      className="m-auto w-[calc(100%-2rem)] max-w-lg rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          onDo()
        }}
      >
        <h2 id="confirm-title" className="text-lg font-semibold wrap-anywhere">
          {title}
        </h2>
        {children}
        {error === null ? null : (
          <p role="alert" className="text-sm wrap-anywhere text-bad">
            {error.message}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Back
          </button>
          <button type="submit" disabled={isPending} className="button font-medium">
            {does}
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** A field with its name above it. */
export function Field(parts: {
  name: string
  value: string
  onChange: (value: string) => void
  placeholder?: string
  required?: boolean
}) {
  const { name, value, onChange, placeholder, required = false } = parts
  return (
    <label className="flex min-w-0 flex-col gap-1 text-xs text-ink-3">
      {name}
      <input
        className="field"
        required={required}
        placeholder={placeholder}
        value={value}
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  )
}
