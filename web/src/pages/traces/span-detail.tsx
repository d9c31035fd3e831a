import type { SpanWire } from '#protocols/api/traces-wire'
import { pretty, shortTime } from './words.tsx'

/** What one step was given, gave, and told. */
export function SpanDetail({ span }: { span: SpanWire }) {
  const attributes = Object.entries(span.attributes).filter(([key]) => !SHOWN_ABOVE.has(key))
  return (
    <div className="flex flex-col gap-4">
      <h2 className="text-sm font-semibold wrap-anywhere">{span.name}</h2>
      {span.status === 'ERROR' ? (
        <p className="rounded-lg bg-bad-tint px-3 py-2 text-[0.8125rem] text-bad wrap-anywhere">
          Failed{span.message === '' ? '' : `: ${span.message}`}
        </p>
      ) : null}
      <Json title="Inputs" json={span.inputs} />
      <Json title="Outputs" json={span.outputs} />
      {span.events.length === 0 ? null : (
        <div>
          <h3 className="pb-1 text-xs font-medium text-ink-3">Events</h3>
          <ul className="flex flex-col gap-2">
            {span.events.map((event) => (
              <li key={`${event.name} ${event.startMs}`} className="text-[0.8125rem]">
                {event.name} <span className="text-ink-3">at {shortTime(event.startMs)}</span>
                {event.attributes === '{}' ? null : (
                  <Text name={`What ${event.name} tells`} text={pretty(event.attributes)} />
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
      {attributes.length === 0 ? null : (
        <div>
          <h3 className="pb-1 text-xs font-medium text-ink-3">Attributes</h3>
          <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] gap-x-4 gap-y-1 text-[0.8125rem]">
            {attributes.map(([key, json]) => (
              <div key={key} className="contents">
                <dt className="text-ink-3 wrap-anywhere">{key}</dt>
                <dd className="line-clamp-6 min-w-0 wrap-anywhere">{pretty(json)}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </div>
  )
}

const SHOWN_ABOVE = new Set([
  'mlflow.spanInputs',
  'mlflow.spanOutputs',
  'mlflow.traceRequestId',
  'mlflow.spanType',
])

function Json({ title, json }: { title: string; json: string | null }) {
  if (json === null) return null
  return (
    <div>
      <h3 className="pb-1 text-xs font-medium text-ink-3">{title}</h3>
      <Text name={title} text={pretty(json)} />
    </div>
  )
}

function Text({ name, text }: { name: string; text: string }) {
  return (
    <pre
      tabIndex={0}
      aria-label={name}
      className="max-h-72 overflow-auto rounded-lg border border-line bg-sunken p-3 text-xs leading-relaxed whitespace-pre-wrap wrap-anywhere text-ink-2"
    >
      {text}
    </pre>
  )
}
