import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { WindowShown, WindowSummary } from '#protocols/api/monitoring-wire'
import { windowQuery } from '#web/api/monitoring.ts'
import { Section } from '#web/ui/card.tsx'
import { counted, percent } from '#web/ui/format.ts'
import { LINK, Trouble } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { Fairness, Kpis, Performance, Slices } from './monitoring-measures.tsx'
import { partName } from './monitoring-words.ts'

const WORDS = { good: 'Fine', warning: 'Look', bad: 'Bad', none: 'No verdict' } as const

/** All that was found of one window. */
export function WindowDetail({ endpoint, summary }: { endpoint: string; summary: WindowSummary }) {
  const { start, end, predictions, modelVersion, profiled, partial, parts } = summary
  const { data: window, error } = useQuery(windowQuery(endpoint, start))
  return (
    <div className="flex flex-col gap-4">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-sm text-ink-2">
        <span>{counted(predictions, 'prediction')}</span>
        {profiled > 0 ? <span>{profiled} of them known by profiles alone</span> : null}
        <span className="wrap-anywhere">answered by {modelVersion}</span>
        <span>
          {start.slice(0, 16).replace('T', ' ')} to {end.slice(0, 16).replace('T', ' ')} UTC
        </span>
        {partial ? <span>the endpoint was first asked within it: a part is missing</span> : null}
        <a
          href={`/api/v1/endpoints/${encodeURIComponent(endpoint)}/windows/${encodeURIComponent(start)}`}
          className={LINK}
        >
          as JSON
        </a>
      </p>
      <dl className="grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2">
        {parts.map(({ kind, state, words }) => (
          <div key={kind} className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
            <dt className="w-24 shrink-0 text-ink-3">{partName(kind)}</dt>
            <dd className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
              <StatePill state={state}>{WORDS[state]}</StatePill>
              <span className="min-w-0 wrap-anywhere">{words}</span>
            </dd>
          </div>
        ))}
      </dl>
      <Trouble error={error} />
      {window === undefined ? null : (
        <>
          <Quality window={window} />
          <Performance window={window} />
          <Slices window={window} />
          <Fairness window={window} />
          <Kpis window={window} />
        </>
      )}
    </div>
  )
}

/** What is not as the training data promises, and what could not be checked. */
function Quality({ window }: { window: WindowShown }) {
  const { quality, endpoint, start } = window
  if (quality?.state !== 'judged') return null
  const { issues, unchecked } = quality
  if (issues.length === 0 && unchecked.length === 0) return null
  return (
    <Section id="quality" title="Data quality">
      <ul aria-label="Findings of data quality" className="flex flex-col gap-2 text-sm">
        {issues.map(({ column, check, severity, detail, share }) => (
          <li key={`${column} ${check}`} className="flex flex-wrap items-start gap-x-3 gap-y-1">
            <StatePill state={severity === 'critical' ? 'bad' : 'warning'}>
              {check.replaceAll('-', ' ')}
            </StatePill>
            {column === '' ? null : (
              <Link
                to="/endpoints/$endpoint/monitoring"
                params={{ endpoint }}
                search={{ window: start, feature: column }}
                hash="column"
                className={`${LINK} inline-flex min-h-6 items-center wrap-anywhere`}
              >
                {column}
              </Link>
            )}
            <span className="min-w-0 flex-1 basis-60 wrap-anywhere text-ink-2">
              {detail}
              {share === null || detail.includes('%') ? '' : ` (${percent(share)} of the rows)`}
            </span>
          </li>
        ))}
        {unchecked.map(({ what, reason }) => (
          <li key={what} className="text-ink-3">
            {what} was not checked: {reason}
          </li>
        ))}
      </ul>
    </Section>
  )
}
