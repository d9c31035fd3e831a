import { useEffect, useRef, type ReactNode } from 'react'

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
