import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Activity, ListOrdered, Split, SquarePen, TriangleAlert } from 'lucide-react'
import { askingQuery, endpointQuery, liveQuery, newestQuery } from '#web/api/endpoints.ts'
import { Card } from '#web/ui/card.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { EndpointTabs } from './endpoint-tabs.tsx'
import { ExperimentCard } from './experiment.tsx'
import { Failures, RecentPredictions } from './recent.tsx'
import { RolloutCard } from './rollout.tsx'
import { Speed } from './speed.tsx'
import { EndpointState } from './states.tsx'
import { TrafficBar } from './traffic-bar.tsx'
import { TryIt } from './try-it.tsx'

/** One endpoint: who answers, how fast, what it said last, and a place to ask it. */
export function EndpointPage() {
  const { endpoint: name } = useParams({ from: '/endpoints/$endpoint' })
  const { data: endpoint, error } = useQuery(endpointQuery(name))
  const { data: live } = useQuery(liveQuery(name))
  const { data: newest } = useQuery(newestQuery(name))
  const asking = useQuery({ ...askingQuery(name), enabled: endpoint?.live !== null })
  return (
    <Page
      title={name}
      above={
        <Link to="/endpoints" data-up="" className={LINK}>
          Endpoints
        </Link>
      }
      beside={endpoint === undefined ? null : <EndpointState state={endpoint.state} />}
      lead={endpoint === undefined ? null : <>Serves {endpoint.model}.</>}
    >
      <EndpointTabs endpoint={name} />
      <Trouble error={error} />
      {endpoint === undefined ? (
        error === null ? (
          <Waiting>Asking the server…</Waiting>
        ) : null
      ) : (
        <>
          {endpoint.failure === null ? null : (
            <p className="rounded-lg bg-bad-tint px-4 py-3 text-sm wrap-anywhere text-bad">
              The last rollout failed: {endpoint.failure}
            </p>
          )}
          <Card id="traffic" title="Traffic" Icon={Split}>
            {endpoint.answering.length === 0 ? (
              <p className="text-sm text-ink-2">Nothing answers yet: {endpoint.reason}</p>
            ) : (
              <TrafficBar endpoint={endpoint} live={live} />
            )}
          </Card>
          <RolloutCard endpoint={name} />
          <ExperimentCard endpoint={name} />
          {live === undefined ? null : (
            <Card id="speed" title="The last five minutes" Icon={Activity}>
              <Speed live={live} />
            </Card>
          )}
          {live === undefined || live.failures.length === 0 ? null : (
            <Card id="failures" title="Not answered" Icon={TriangleAlert}>
              <Failures failures={live.failures} />
            </Card>
          )}
          <Card id="predictions" title="Newest predictions" Icon={ListOrdered}>
            {newest === undefined ? null : <RecentPredictions endpoint={name} page={newest} />}
          </Card>
          <Card id="try" title="Try it" Icon={SquarePen}>
            {asking.data === undefined ? (
              <p className="text-sm wrap-anywhere text-ink-2">
                {asking.error?.message ?? 'Asking the server…'}
              </p>
            ) : (
              <TryIt key={asking.data.modelVersion} asking={asking.data} />
            )}
          </Card>
        </>
      )}
    </Page>
  )
}
