import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { EndpointShown } from '#protocols/api/endpoint-wire'
import { endpointsQuery } from '#web/api/endpoints.ts'
import { trafficQuery, type Traffic } from '#web/api/queries.ts'
import { Empty } from '#web/ui/command.tsx'
import { rate } from '#web/ui/format.ts'
import { Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { CELL, EndpointState, HEAD, ms, NUMBER } from './states.tsx'

/** What serves, and how it does at this moment. */
export function EndpointsPage() {
  const { data: endpoints, error } = useQuery(endpointsQuery)
  const { data: traffic = [] } = useQuery(trafficQuery)
  return (
    <Page title="Endpoints" lead="Names that answer predictions, and how they do at this moment.">
      <Trouble error={error} />
      {endpoints === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {endpoints?.length === 0 ? (
        <Empty
          why="Nothing serves yet. Name a registered model in orrery.yaml, or here:"
          commands={['orrery endpoint create late --model models:/late@champion']}
        />
      ) : null}
      {endpoints === undefined || endpoints.length === 0 ? null : (
        <section
          aria-label="Endpoints"
          // What scrolls has to be reached by keyboard.
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          className="overflow-x-auto rounded-xl border border-line bg-surface"
        >
          <table className="w-full text-sm">
            <thead>
              <tr>
                <th scope="col" className={HEAD}>
                  Endpoint
                </th>
                <th scope="col" className={HEAD}>
                  State
                </th>
                <th scope="col" className={HEAD}>
                  Answers
                </th>
                {['Requests/s', 'Median', '99 %'].map((name) => (
                  <th key={name} scope="col" className={`${HEAD} text-right`}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {endpoints.map((endpoint) => (
                <Row
                  key={endpoint.name}
                  endpoint={endpoint}
                  traffic={traffic.find((each) => each.endpoint === endpoint.name)}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Page>
  )
}

function Row({ endpoint, traffic }: { endpoint: EndpointShown; traffic: Traffic | undefined }) {
  const { name, state, answering, model, reason } = endpoint
  return (
    <tr className="hover:bg-sunken">
      <td className={CELL}>
        <Link
          data-row=""
          to="/endpoints/$endpoint"
          params={{ endpoint: name }}
          className="font-medium text-accent underline underline-offset-2"
        >
          {name}
        </Link>
      </td>
      <td className={CELL}>
        <EndpointState state={state} />
        {reason === null ? null : (
          <p className="max-w-xs pt-1 text-xs wrap-anywhere text-ink-3">{reason}</p>
        )}
      </td>
      <td className={CELL}>
        {answering.length === 0
          ? `waits for ${model}`
          : answering.map(({ modelVersion }) => modelVersion).join(', ')}
      </td>
      <td className={NUMBER}>{traffic === undefined ? '–' : rate(traffic.requestsPerSecond)}</td>
      <td className={NUMBER}>{ms(traffic?.p50Ms ?? null)}</td>
      <td className={NUMBER}>{ms(traffic?.p99Ms ?? null)}</td>
    </tr>
  )
}
