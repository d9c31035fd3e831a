import { Rocket } from 'lucide-react'
import type { EndpointWire, OverviewWire } from '#protocols/api/overview-wire'
import { TRAFFIC_LOOKS, type Traffic } from '#web/api/queries.ts'
import { Sparkline } from '#web/charts/sparkline.tsx'
import { Card, FactRow, Facts, Figure, Section } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { count, counted, duration, percent, rate } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { StatePill } from '#web/ui/state.tsx'

export function EndpointCard({
  overview,
  traffic,
  className,
}: {
  overview: OverviewWire
  traffic: readonly Traffic[]
  className: string
}) {
  const { endpoints } = overview
  const [only] = endpoints
  return (
    <Card
      id="endpoint"
      title={endpoints.length > 1 ? 'Endpoints' : 'Endpoint'}
      Icon={Rocket}
      className={className}
      aside={
        endpoints.length === 1 && only !== undefined ? <EndpointState endpoint={only} /> : null
      }
    >
      {endpoints.length === 0 ? (
        <Empty
          why="Nothing is served. Name an endpoint in orrery.yaml, commit, and let the server take it in."
          commands={['orrery project sync PROJECT']}
        />
      ) : (
        endpoints.map((endpoint) => (
          <EndpointPart
            key={endpoint.endpoint}
            endpoint={endpoint}
            isOnly={endpoints.length === 1}
            traffic={traffic.find((each) => each.endpoint === endpoint.endpoint)}
          />
        ))
      )}
      <Predictions overview={overview} />
    </Card>
  )
}

function EndpointState({ endpoint }: { endpoint: EndpointWire }) {
  if (endpoint.failure !== null) return <StatePill state="bad">rollout failed</StatePill>
  if (endpoint.revision === null) return <StatePill state="warning">not live yet</StatePill>
  return <StatePill state="good">live</StatePill>
}

function EndpointPart({
  endpoint,
  isOnly,
  traffic,
}: {
  endpoint: EndpointWire
  isOnly: boolean
  traffic: Traffic | undefined
}) {
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-baseline justify-between gap-2">
        <span className="font-medium wrap-anywhere">{endpoint.endpoint}</span>
        {isOnly ? null : <EndpointState endpoint={endpoint} />}
      </p>
      {endpoint.failure === null ? null : (
        <p className="rounded-lg bg-bad-tint px-3 py-2 text-[0.8125rem] text-bad">
          {endpoint.failure}
        </p>
      )}
      <TrafficFigures traffic={traffic} />
      <Facts>
        <FactRow name="Live revision">
          {endpoint.revision === null
            ? 'none'
            : `${endpoint.revision} · ${endpoint.modelVersion ?? ''}`}
        </FactRow>
        {endpoint.since === null ? null : (
          <FactRow name="Since">
            <Ago time={endpoint.since} />
          </FactRow>
        )}
        <FactRow name={endpoint.shadows.length === 1 ? 'Shadow' : 'Shadows'}>
          {endpoint.shadows.length === 0
            ? 'none'
            : endpoint.shadows.map((shadow) => shadow.replace(/^models:\//, '')).join(', ')}
        </FactRow>
        {endpoint.restarts === 0 ? null : (
          <FactRow name="Restarts">{count(endpoint.restarts)}</FactRow>
        )}
      </Facts>
    </div>
  )
}

function TrafficFigures({ traffic }: { traffic: Traffic | undefined }) {
  const idle = (traffic?.requestsPerSecond ?? 0) === 0
  return (
    <div className="flex flex-col gap-2">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3">
        <Figure name="Requests" value={rate(traffic?.requestsPerSecond ?? 0)} unit="/s" />
        <Figure name="Rows" value={rate(traffic?.rowsPerSecond ?? 0)} unit="/s" />
        <Figure name="Latency p50" value={latency(traffic?.p50Ms)} />
        <Figure name="Latency p99" value={latency(traffic?.p99Ms)} />
      </dl>
      <Sparkline values={traffic?.rows ?? []} places={TRAFFIC_LOOKS} />
      <p className="text-xs text-ink-3">
        {idle ? 'No requests in the last seconds.' : 'Rows per second over the last two minutes.'}
      </p>
    </div>
  )
}

function latency(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : duration(ms)
}

/** What was answered and what has turned out since. */
function Predictions({ overview }: { overview: OverviewWire }) {
  const windows = overview.monitors.flatMap((monitor) => monitor.windows)
  const predictions = windows.reduce((sum, window) => sum + window.predictions, 0)
  const labels = windows.reduce((sum, window) => sum + window.labels, 0)
  const rows = overview.endpoints.reduce((sum, endpoint) => sum + endpoint.sealedRows, 0)
  const segments = overview.endpoints.reduce((sum, endpoint) => sum + endpoint.sealedSegments, 0)
  return (
    <Section id="predictions" title="Predictions">
      {predictions === 0 && rows === 0 ? (
        <p className="text-[0.8125rem] text-ink-2">
          Each answer is logged with its inputs. None has been judged yet.
        </p>
      ) : (
        <Facts>
          <FactRow name="Judged">{count(predictions)}</FactRow>
          <FactRow name="Truth known">
            {count(labels)}
            {predictions === 0 ? '' : ` (${percent(labels / predictions)})`}
          </FactRow>
          <FactRow name="Sealed">
            {segments === 0 ? 'none yet' : `${count(rows)} in ${counted(segments, 'segment')}`}
          </FactRow>
        </Facts>
      )}
    </Section>
  )
}
