import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useState } from 'react'
import type { TraceWire } from '#protocols/api/traces-wire'
import { tracesQuery } from '#web/api/traces.ts'
import { Empty } from '#web/ui/command.tsx'
import { count } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { Page, Trouble, Waiting } from '#web/ui/page.tsx'
import type { TracesView } from './view.ts'
import { Chip, ownTags, saidIn, shortTime, TraceState } from './words.tsx'

const SHOWN = 3
const NUMBERS = new Set(['Duration', 'Tokens'])

/** Calls of applications, newest first. */
export function TracesPage() {
  const view: TracesView = useSearch({ from: '/traces' })
  const asked = useQuery(tracesQuery(view))
  const traces = asked.data?.traces ?? []
  const isFirst = view.filter === undefined && view.after === undefined
  return (
    <Page title="Traces" lead="Calls of applications, each with its steps.">
      <Filter key={view.filter ?? ''} view={view} />
      <Trouble error={asked.error} />
      {asked.data === undefined && asked.error === null ? (
        <Waiting>Reading the traces…</Waiting>
      ) : null}
      {asked.data !== undefined && traces.length === 0 && asked.error === null ? (
        isFirst ? (
          <FirstTrace />
        ) : (
          <p className="text-ink-2">
            No trace matches. Change the filter, or go back to the first page.
          </p>
        )
      ) : null}
      {traces.length === 0 || asked.error !== null ? null : <Table traces={traces} />}
      <Pages view={view} next={asked.data?.next ?? null} />
    </Page>
  )
}

function Filter({ view }: { view: TracesView }) {
  const navigate = useNavigate()
  const [text, setText] = useState(view.filter ?? '')
  return (
    <form
      className="flex flex-wrap items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        const { experiment } = view
        void navigate({ to: '/traces', search: { experiment, filter: text.trim() || undefined } })
      }}
    >
      <label className="flex min-w-64 flex-1 items-center gap-2 rounded-lg border border-line-strong bg-surface px-3">
        <Search aria-hidden size={15} className="shrink-0 text-ink-3" />
        <span className="sr-only">Filter, as MLflow writes it</span>
        <input
          type="text"
          value={text}
          data-filter=""
          spellCheck={false}
          autoComplete="off"
          placeholder="status = 'ERROR' AND span.name LIKE '%search%'   (press / to type)"
          className="h-9 min-w-0 flex-1 bg-transparent font-mono text-[0.8125rem] text-ink outline-none placeholder:text-ink-3"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button
        type="submit"
        className="h-9 cursor-pointer rounded-lg border border-line bg-surface px-3 font-medium hover:border-line-strong"
      >
        Search
      </button>
    </form>
  )
}

function Table({ traces }: { traces: readonly TraceWire[] }) {
  const head = 'px-3 py-2 text-xs font-medium whitespace-nowrap text-ink-3'
  return (
    <section
      className="overflow-x-auto rounded-xl border border-line bg-surface"
      tabIndex={0}
      aria-label="Traces, newest first"
    >
      <table className="w-full border-collapse text-[0.8125rem]">
        <thead>
          <tr>
            {['State', 'Call', 'Duration', 'Tokens', 'Assessments', 'Tags', 'Begun'].map((name) => (
              <th
                key={name}
                scope="col"
                className={`${head} ${NUMBERS.has(name) ? 'text-right' : 'text-left'}`}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {traces.map((trace) => (
            <Row key={trace.trace} trace={trace} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Row({ trace }: { trace: TraceWire }) {
  const cell = 'border-t border-line px-3 py-2 align-top'
  return (
    <tr className="hover:bg-sunken">
      <td className={cell}>
        <TraceState state={trace.state} />
      </td>
      <td className={`${cell} min-w-64`}>
        <Link
          data-row=""
          to="/traces/$trace"
          params={{ trace: trace.trace }}
          search={{}}
          className="font-medium text-accent underline underline-offset-2"
        >
          {trace.name ?? trace.trace}
        </Link>
        <p className="line-clamp-2 max-w-xl text-xs text-ink-3 wrap-anywhere">
          {trace.request ?? ''} {trace.response === null ? '' : `→ ${trace.response}`}
        </p>
      </td>
      <td className={`${cell} text-right whitespace-nowrap tabular-nums`}>
        {shortTime(trace.durationMs)}
      </td>
      <td className={`${cell} text-right tabular-nums`}>
        {trace.tokens === null ? '–' : count(trace.tokens)}
      </td>
      <td className={cell}>
        <Chips texts={trace.assessments.filter(({ valid }) => valid).map(saidIn)} />
      </td>
      <td className={cell}>
        <Chips texts={ownTags(trace.tags).map(([key, value]) => `${key}: ${value}`)} />
      </td>
      <td className={`${cell} whitespace-nowrap text-ink-3`}>
        <Ago time={trace.at} />
      </td>
    </tr>
  )
}

function Chips({ texts }: { texts: readonly string[] }) {
  return (
    <span className="flex flex-wrap gap-1">
      {texts.slice(0, SHOWN).map((text) => (
        <Chip key={text}>{text}</Chip>
      ))}
      {texts.length > SHOWN ? (
        <span className="text-xs text-ink-3">and {texts.length - SHOWN} more</span>
      ) : null}
    </span>
  )
}

function Pages({ view, next }: { view: TracesView; next: string | null }) {
  const link =
    'rounded-lg border border-line bg-surface px-3 py-1.5 font-medium hover:border-line-strong'
  if (view.after === undefined && next === null) return null
  return (
    <nav aria-label="Pages of the list" className="flex gap-2">
      {view.after === undefined ? null : (
        <Link to="/traces" search={{ ...view, after: undefined }} className={link}>
          First page
        </Link>
      )}
      {next === null ? null : (
        <Link to="/traces" search={{ ...view, after: next }} className={link}>
          Next page
        </Link>
      )}
    </nav>
  )
}

function FirstTrace() {
  const code = `import mlflow

mlflow.set_tracking_uri("${window.location.origin}")
mlflow.set_experiment("agents")

@mlflow.trace
def answer(question):
    return "42"

answer("What is it?")`
  return (
    <section aria-label="The first trace" className="flex max-w-2xl flex-col gap-4">
      <p className="text-ink-2">
        There is no trace yet. A trace is one call of an application, such as an agent, with every
        step in it. Any program that uses MLflow’s tracing sends them here:
      </p>
      <pre
        tabIndex={0}
        aria-label="A program that sends a trace"
        className="overflow-x-auto rounded-xl border border-line bg-sunken p-4 text-[0.8125rem] leading-relaxed"
      >
        {code}
      </pre>
      <Empty
        why="OpenTelemetry SDKs send theirs with these settings:"
        commands={[
          `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${window.location.origin}/v1/traces`,
          'OTEL_EXPORTER_OTLP_TRACES_HEADERS=x-mlflow-experiment-id=0',
        ]}
      />
    </section>
  )
}
