import { Link } from '@tanstack/react-router'
import type { LiveWire, RecentPredictionsWire } from '#protocols/api/endpoint-wire'
import { Ago } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'
import { CELL, HEAD, ms, NUMBER } from './states.tsx'

/** The newest predictions as they are in the log, and what was not answered. */
export function RecentPredictions({
  endpoint,
  page,
}: {
  endpoint: string
  page: RecentPredictionsWire
}) {
  const { predictions } = page
  if (predictions.length === 0)
    return <p className="text-sm text-ink-2">No prediction is in the log yet.</p>
  return (
    <section
      aria-label="The newest predictions"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {['Prediction', 'Revision', 'Inputs', 'Outputs', 'Truth', 'When'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            <th scope="col" className={`${HEAD} text-right`}>
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {predictions.map((each) => (
            <tr key={`${each.id} ${each.revision}`}>
              <td className={`${CELL} max-w-56`}>
                <Link
                  to="/predictions/$prediction"
                  params={{ prediction: each.id }}
                  search={{ endpoint }}
                  className={`${LINK} wrap-anywhere`}
                >
                  {each.id}
                </Link>
              </td>
              <td className={`${CELL} whitespace-nowrap`}>
                {each.revision} <span className="text-ink-3">{each.modelVersion}</span>
                {each.role === 'shadow' ? <span className="text-ink-3"> shadow</span> : null}
              </td>
              <Pairs values={each.inputs} />
              <Pairs values={each.outputs} />
              <td className={CELL}>{each.label === null ? '–' : said(each.label)}</td>
              <td className={`${CELL} whitespace-nowrap text-ink-3`}>
                <Ago time={each.at} />
              </td>
              <td className={NUMBER}>{ms(each.latencyMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export function Failures({ failures }: Pick<LiveWire, 'failures'>) {
  return (
    <ul className="flex flex-col gap-1.5 text-[0.8125rem]">
      {failures.slice(0, 5).map((each) => (
        <li key={`${each.at} ${each.message}`} className="wrap-anywhere">
          <span className="font-medium">{each.kind}</span>{' '}
          <span className="text-ink-3">
            {each.protocol}, <Ago time={each.at} />
          </span>
          <p className="line-clamp-2 text-ink-2">{each.message}</p>
        </li>
      ))}
    </ul>
  )
}

/** So much is told of wide values; all of them are where the prediction's link leads. */
const CHARS_MAX = 1000

function Pairs({ values }: { values: Readonly<Record<string, unknown>> }) {
  const text = Object.entries(values)
    .map(([name, value]) => `${name} ${said(value)}`)
    .join(', ')
  const told = text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX)}…` : text
  return (
    <td className={`${CELL} max-w-80`}>
      <div className="line-clamp-2 wrap-anywhere" title={told}>
        {told}
      </div>
    </td>
  )
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
