import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { AskingWire } from '#protocols/api/endpoint-wire'
import { postJson } from '#web/api/send.ts'
import { CodeBlock, Command } from '#web/ui/command.tsx'
import { Trouble } from '#web/ui/page.tsx'

const FIELD =
  'h-9 w-full rounded-lg border border-line-strong bg-surface px-2.5 text-[0.8125rem] text-ink'

/** A form made of the model's signature, filled with its input example; what it sends is logged like any other request. */
export function TryIt({ asking }: { asking: AskingWire }) {
  const client = useQueryClient()
  const [first = {}] = asking.sample.records
  const names = asking.columns?.map(({ name }) => name) ?? Object.keys(first)
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(names.map((name) => [name, textOf(first[name])])),
  )
  const place = `/api/v1/endpoints/${encodeURIComponent(asking.endpoint)}`
  const records = () => [
    Object.fromEntries(
      names.map((name) => [name, valueIn(texts[name] ?? '', typeOf(asking, name, first))]),
    ),
  ]
  const predicting = useMutation({
    mutationFn: () => postJson<object>(`${place}/predictions`, { records: records() }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['endpoint-newest', asking.endpoint] }),
  })
  const explaining = useMutation({
    mutationFn: () => postJson<object>(`${place}/explanations`, { records: records() }),
  })
  const error = predicting.error ?? explaining.error
  const isBusy = predicting.isPending || explaining.isPending
  return (
    <form
      aria-label="Try it"
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        explaining.reset()
        predicting.mutate()
      }}
    >
      <Fields asking={asking} names={names} texts={texts} onChange={setTexts} />
      <p className="text-xs text-ink-3">
        {asking.sample.isExample
          ? 'Filled with the example that was logged with the model.'
          : 'The model brought no example, so these values are made up.'}{' '}
        What is asked here is logged as any request is.
      </p>
      <div className="flex flex-wrap gap-2">
        <button type="submit" className="button" disabled={isBusy}>
          Predict
        </button>
        <button
          type="button"
          className="button"
          disabled={isBusy}
          onClick={() => {
            predicting.reset()
            explaining.mutate()
          }}
        >
          Explain
        </button>
      </div>
      <Trouble error={error} />
      <output aria-label="What the model says" className="contents">
        {predicting.data === undefined ? null : (
          <CodeBlock name="Answer" text={JSON.stringify(predicting.data, null, 2)} />
        )}
        {explaining.data === undefined ? null : (
          <CodeBlock name="Explanation" text={JSON.stringify(explaining.data, null, 2)} />
        )}
      </output>
      <Ways asking={asking} />
    </form>
  )
}

function Fields(parts: {
  asking: AskingWire
  names: readonly string[]
  texts: Readonly<Record<string, string>>
  onChange: (texts: Readonly<Record<string, string>>) => void
}) {
  const { asking, names, texts, onChange } = parts
  const [first = {}] = asking.sample.records
  return (
    <div className="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-3">
      {names.map((name) => (
        <label key={name} className="flex min-w-0 flex-col gap-1 text-xs text-ink-3">
          <span className="wrap-anywhere">
            {name} <span className="text-ink-3">{typeOf(asking, name, first)}</span>
          </span>
          <input
            className={FIELD}
            value={texts[name] ?? ''}
            onChange={(event) => onChange({ ...texts, [name]: event.target.value })}
          />
        </label>
      ))}
    </div>
  )
}

function Ways({ asking }: { asking: AskingWire }) {
  return (
    <>
      {asking.ways.map(({ protocol, curl }) => (
        <div key={protocol} className="flex flex-col gap-1">
          <h3 className="text-xs font-medium text-ink-3">{protocol}</h3>
          <Command text={curl} />
        </div>
      ))}
      <p className="text-xs text-ink-3">gRPC is answered at {asking.addresses.grpc}.</p>
    </>
  )
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

function typeOf({ columns }: AskingWire, name: string, first: Readonly<Record<string, unknown>>) {
  const declared = columns?.find((column) => column.name === name)?.type
  return declared ?? (typeof first[name] === 'string' ? 'string' : 'number')
}

/** What was typed, as the column wants it; the server says what does not fit. */
function valueIn(text: string, type: string): unknown {
  if (type === 'string' || type === 'datetime' || type === 'binary') return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
