import { useState } from 'react'
import { useLook } from './use-look.ts'

/** The filter in MLflow's words; what the server says of it stands below it. */
export function FilterBar({ error }: { error: Error | null }) {
  const { look, change } = useLook()
  const applied = look.filter ?? ''
  const [text, setText] = useState(applied)
  const [known, setKnown] = useState(applied)
  // A facet or a saved view changes the filter too.
  if (known !== applied) {
    setKnown(applied)
    setText(applied)
  }
  return (
    <form
      className="flex min-w-0 grow basis-full flex-col gap-1 sm:basis-0"
      onSubmit={(event) => {
        event.preventDefault()
        change({ filter: text.trim() || undefined })
      }}
    >
      <input
        data-filter=""
        type="search"
        aria-label="Filter"
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : 'filter-error'}
        placeholder="metrics.auc > 0.8 AND params.model = 'tree'   (press / to type)"
        value={text}
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value)
          if (event.target.value === '') change({ filter: undefined })
        }}
        className={`field font-mono ${error === null ? '' : 'border-bad'}`}
      />
      {error === null ? null : (
        <p id="filter-error" role="alert" className="text-sm text-bad wrap-anywhere">
          {error.message}
        </p>
      )}
    </form>
  )
}
