import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { TraceWire } from '#protocols/api/traces-wire'
import { sayFeedback, traceQuery, type Said } from '#web/api/traces.ts'
import { saidIn } from './words.tsx'

/** What is thought of the trace, and a place to say it. */
export function Assessments({ trace }: { trace: TraceWire }) {
  return (
    <div className="flex flex-col gap-4">
      <h2 className="text-sm font-semibold">Assessments</h2>
      {trace.assessments.length === 0 ? (
        <p className="text-ink-2">Nobody has said yet what they think of this call.</p>
      ) : (
        <ul className="flex flex-col gap-1.5">
          {trace.assessments.map((said) => (
            <li key={said.id} className="text-[0.8125rem] wrap-anywhere">
              <span className={`font-medium ${said.valid ? '' : 'line-through'}`}>
                {saidIn(said)}
              </span>{' '}
              <span className="text-ink-3">
                {said.kind}, {said.source}
                {said.valid ? '' : ', overridden'}
              </span>
              {said.rationale === null ? null : <p className="text-ink-2">{said.rationale}</p>}
            </li>
          ))}
        </ul>
      )}
      <AddFeedback trace={trace.trace} />
    </div>
  )
}

const FIELD = 'h-9 rounded-lg border border-line-strong bg-surface px-2.5 text-[0.8125rem] text-ink'

function AddFeedback({ trace }: { trace: string }) {
  const queries = useQueryClient()
  const [name, setName] = useState('good')
  const [value, setValue] = useState('yes')
  const [rationale, setRationale] = useState('')
  const saying = useMutation({
    mutationFn: (said: Said) => sayFeedback(trace, said),
    onSuccess: async () => {
      setRationale('')
      await queries.invalidateQueries(traceQuery(trace))
    },
  })
  return (
    <form
      aria-label="Add feedback"
      className="flex flex-wrap items-end gap-2 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault()
        const said = rationale.trim() === '' ? {} : { rationale: rationale.trim() }
        saying.mutate({ name: name.trim(), value: valueIn(value), ...said })
      }}
    >
      <label className="flex flex-col gap-1 text-xs text-ink-3">
        Name
        <input
          required
          maxLength={250}
          value={name}
          className={`${FIELD} w-28`}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="flex flex-col gap-1 text-xs text-ink-3">
        Value
        <input
          required
          value={value}
          className={`${FIELD} w-28`}
          onChange={(event) => setValue(event.target.value)}
        />
      </label>
      <label className="flex min-w-40 flex-1 flex-col gap-1 text-xs text-ink-3">
        Why
        <input
          value={rationale}
          className={FIELD}
          onChange={(event) => setRationale(event.target.value)}
        />
      </label>
      <button
        type="submit"
        disabled={saying.isPending}
        className="h-9 cursor-pointer rounded-lg border border-line bg-sunken px-3 font-medium hover:border-line-strong"
      >
        Add feedback
      </button>
      {saying.error === null ? null : (
        <p role="alert" className="basis-full text-[0.8125rem] text-bad">
          {saying.error.message}
        </p>
      )}
    </form>
  )
}

/** What was typed as a boolean where it is one. */
function valueIn(text: string): boolean | string {
  const word = text.trim()
  return word === 'true' || word === 'false' ? word === 'true' : word
}
