import { Link } from '@tanstack/react-router'
import type { EndpointShown, LiveWire, RevisionShown } from '#protocols/api/endpoint-wire'
import { bytes, count, percent } from '#web/ui/format.ts'
import { LINK } from '#web/ui/page.tsx'
import { CELL, HEAD, ms, NUMBER } from './states.tsx'

const INKS = ['bg-chart-auc', 'bg-chart-drift-over', 'bg-mark-retraining', 'bg-chart-drift']

/** Who answers, to which share, and who is asked as well. */
export function TrafficBar({
  endpoint,
  live,
}: {
  endpoint: EndpointShown
  live: LiveWire | undefined
}) {
  const { answering, shadowing } = endpoint
  const total = answering.reduce((sum, { weight }) => sum + weight, 0) || 1
  return (
    <>
      <div aria-hidden className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {answering.map(({ revision, weight }, at) => (
          <div
            key={revision}
            className={INKS[at % INKS.length]}
            style={{ width: `${(100 * weight) / total}%` }}
          />
        ))}
      </div>
      <div className="overflow-x-auto">
        <table className="w-full text-sm">
          <caption className="sr-only">Revisions and their traffic</caption>
          <thead>
            <tr>
              {['Revision', 'Model version'].map((name) => (
                <th key={name} scope="col" className={HEAD}>
                  {name}
                </th>
              ))}
              {['Traffic', 'Last 5 min', 'Median', '99 %', 'Memory'].map((name) => (
                <th key={name} scope="col" className={`${HEAD} text-right`}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answering.map((each, at) => (
              <Row
                key={each.revision}
                shown={each}
                share={percent(each.weight / total)}
                ink={INKS[at % INKS.length] ?? ''}
                live={live}
              />
            ))}
            {shadowing.map((each) => (
              <Row key={each.revision} shown={each} share="shadow" ink="" live={live} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Row(parts: {
  shown: RevisionShown
  share: string
  ink: string
  live: LiveWire | undefined
}) {
  const { shown, share, ink, live } = parts
  const { revision, model, modelVersion } = shown
  const recent = live?.revisions.find((each) => each.revision === revision)
  const memory = live?.memory.find((each) => each.revision === revision)
  return (
    <tr>
      <td className={CELL}>
        <span className="flex items-center gap-2">
          <span aria-hidden className={`size-2.5 rounded-full ${ink}`} />
          {revision}
        </span>
      </td>
      <td className={CELL}>
        <Link to="/models/$model" params={{ model }} search={{}} className={LINK}>
          {modelVersion}
        </Link>
      </td>
      <td className={NUMBER}>{share}</td>
      <td className={NUMBER}>{count(recent?.requests ?? 0)}</td>
      <td className={NUMBER}>{ms(recent?.p50Ms ?? null)}</td>
      <td className={NUMBER}>{ms(recent?.p99Ms ?? null)}</td>
      <td className={NUMBER}>{memory === undefined ? '–' : bytes(memory.bytes)}</td>
    </tr>
  )
}
