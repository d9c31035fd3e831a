import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import type { TraceWire, WholeTraceWire } from '#protocols/api/traces-wire'
import { traceQuery } from '#web/api/traces.ts'
import { FactRow, Facts } from '#web/ui/card.tsx'
import { experimentQuery } from '#web/api/run.ts'
import { count } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { LINK, Page, Trouble } from '#web/ui/page.tsx'
import { Assessments } from './assessments.tsx'
import { SpanDetail } from './span-detail.tsx'
import { SpanTree } from './span-tree.tsx'
import type { TraceView } from './view.ts'
import { ownTags, shortTime, TraceState } from './words.tsx'

/** One call with all its steps. */
export function TracePage() {
  const { trace } = useParams({ from: '/traces/$trace' })
  const asked = useQuery(traceQuery(trace))
  return (
    <Page
      title={asked.data?.trace.name ?? trace}
      above={
        <Link to="/traces" search={{}} className={LINK} data-up="">
          Traces
        </Link>
      }
    >
      <Trouble error={asked.error} />
      {asked.data === undefined ? null : <Whole whole={asked.data} />}
    </Page>
  )
}

const PANEL = 'min-w-0 rounded-xl border border-line bg-surface p-4'

function Whole({ whole: { trace, spans } }: { whole: WholeTraceWire }) {
  const view: TraceView = useSearch({ from: '/traces/$trace' })
  const chosen = spans.find(({ span }) => span === view.span) ?? spans[0]
  return (
    <div className="grid grid-cols-1 gap-4 lg:grid-cols-12">
      <section aria-label="About the trace" className={`${PANEL} lg:col-span-4`}>
        <About trace={trace} />
      </section>
      <section aria-label="Assessments" className={`${PANEL} lg:col-span-8`}>
        <Assessments trace={trace} />
      </section>
      {chosen === undefined ? (
        <p className="text-ink-2 lg:col-span-12">
          Its spans are a file beside it.{' '}
          <a
            href={`/ajax-api/3.0/mlflow/get-trace-artifact?request_id=${trace.trace}`}
            className="text-accent underline underline-offset-2"
          >
            Download traces.json
          </a>
        </p>
      ) : (
        <>
          <section aria-label="Spans" className={`${PANEL} lg:col-span-7`}>
            <SpanTree trace={trace.trace} spans={spans} chosen={chosen.span} />
          </section>
          <section aria-label={`The span ${chosen.name}`} className={`${PANEL} lg:col-span-5`}>
            <SpanDetail span={chosen} />
          </section>
        </>
      )}
    </div>
  )
}

function About({ trace }: { trace: TraceWire }) {
  const experiment = useQuery(experimentQuery(trace.experiment))
  return (
    <Facts>
      <FactRow name="State">
        <TraceState state={trace.state} />
      </FactRow>
      <FactRow name="Begun">
        <Moment time={trace.at} />
      </FactRow>
      <FactRow name="Duration">{shortTime(trace.durationMs)}</FactRow>
      {trace.tokens === null ? null : <FactRow name="Tokens">{count(trace.tokens)}</FactRow>}
      {trace.cost === null ? null : <FactRow name="Cost">${trace.cost.toPrecision(3)}</FactRow>}
      {trace.session === null ? null : <FactRow name="Session">{trace.session}</FactRow>}
      {trace.run === null ? null : (
        <FactRow name="Run">
          <Link to="/runs/$run" params={{ run: trace.run }} search={{}} className={LINK}>
            {trace.run.slice(0, 12)}
          </Link>
        </FactRow>
      )}
      <FactRow name="Experiment">
        <Link to="/runs" search={{ experiment: trace.experiment }} className={LINK}>
          {experiment.data?.name ?? trace.experiment}
        </Link>
      </FactRow>
      <FactRow name="Id">
        <code className="text-xs">{trace.trace}</code>
      </FactRow>
      {ownTags(trace.tags).map(([key, value]) => (
        <FactRow key={key} name={key}>
          {value.slice(0, 200)}
        </FactRow>
      ))}
    </Facts>
  )
}
