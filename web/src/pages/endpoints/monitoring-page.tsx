import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { BellRing, CalendarRange, ChartLine, Columns3, Waves } from 'lucide-react'
import type { MonitoringWire } from '#protocols/api/monitoring-wire'
import { alertsQuery } from '#web/api/alerting.ts'
import { monitoringQuery } from '#web/api/monitoring.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { day, spoken } from '#web/ui/format.ts'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { EndpointTabs } from './endpoint-tabs.tsx'
import { Charts } from './monitoring-charts.tsx'
import { FeatureDetail } from './monitoring-feature.tsx'
import { HeatMap, Timeline } from './monitoring-timeline.tsx'
import type { MonitoringView } from './monitoring-view.ts'
import { WindowDetail } from './monitoring-window.tsx'
import { ANSWERS, windowName } from './monitoring-words.ts'

const FROM = '/endpoints/$endpoint/monitoring'
const COLUMNS = { few: 20, all: 2000 }

/** How an endpoint's windows stand, what moved in them, and all that was found of one. */
export function MonitoringPage() {
  const { endpoint } = useParams({ from: FROM })
  const { before, columns } = useSearch({ from: FROM })
  const { data, error } = useQuery(
    monitoringQuery(endpoint, { before, columns: COLUMNS[columns ?? 'few'] }),
  )
  return (
    <Page
      title={endpoint}
      above={
        <Link to="/endpoints" data-up="" className={LINK}>
          Endpoints
        </Link>
      }
    >
      <EndpointTabs endpoint={endpoint} />
      <Trouble error={error} />
      {data === undefined ? (
        error === null ? (
          <Waiting>Asking the server…</Waiting>
        ) : null
      ) : data.windows.length === 0 ? (
        <Card id="windows" title="Windows" Icon={CalendarRange}>
          <Empty
            why="No window has been judged. A window is judged when event time has passed its end: tell the endpoint that time has passed where predictions rest."
            commands={[
              `curl -X POST ${location.origin}/api/v1/endpoints/${endpoint}/watermark -H 'content-type: application/json' -d '{"time": "2026-01-31T00:00:00Z"}'`,
            ]}
          />
        </Card>
      ) : (
        <Found monitoring={data} />
      )}
    </Page>
  )
}

function Found({ monitoring }: { monitoring: MonitoringWire }) {
  const { endpoint, windows, heat } = monitoring
  const { change, at, feature } = useLook(monitoring)
  const window = windows[at]
  const choose = (place: number) => change({ window: windows[place]?.start })
  const row = heat.find((each) => each.feature === feature)
  return (
    <>
      <OpenAlerts endpoint={endpoint} />
      <Card id="windows" title="Windows" Icon={CalendarRange} aside={<Pages of={monitoring} />}>
        <Timeline windows={windows} chosen={at} onChoose={choose} />
      </Card>
      <Card id="performance" title="Over time" Icon={ChartLine}>
        <Charts monitoring={monitoring} chosen={at} onChoose={choose} />
      </Card>
      <Card id="drift" title="Drift by column" Icon={Waves}>
        {heat.length === 0 ? (
          <p className="text-sm text-ink-2">
            No window was compared: {skippedIn(monitoring) ?? 'there is no reference'}.
          </p>
        ) : (
          <HeatMap
            monitoring={monitoring}
            chosen={at}
            feature={feature}
            onChoose={choose}
            onFeature={(name) => change({ feature: name ?? ANSWERS })}
            onAll={() => change({ columns: 'all' })}
          />
        )}
      </Card>
      {feature === undefined ? null : (
        <Card id="column" title={feature ?? 'What was answered'} Icon={Columns3}>
          <FeatureDetail
            endpoint={endpoint}
            feature={feature}
            row={row}
            windows={windows}
            at={at}
          />
        </Card>
      )}
      {window === undefined ? null : (
        <Card id="window" title={`The window of ${windowName(window)}`} Icon={CalendarRange}>
          <WindowDetail endpoint={endpoint} summary={window} />
        </Card>
      )}
    </>
  )
}

/** The window and the column that are looked at: as the address says, else the newest with predictions and what moved most. */
function useLook({ windows, heat }: MonitoringWire) {
  const search = useSearch({ from: FROM })
  const navigate = useNavigate({ from: FROM })
  const chosen = windows.findIndex(
    ({ start }) => Date.parse(start) === Date.parse(search.window ?? ''),
  )
  const newest = windows.findLastIndex(({ predictions }) => predictions > 0)
  const first = heat.find(({ cells }) => cells.some((cell) => cell?.drifted === true)) ?? heat[0]
  const said = search.feature === ANSWERS ? null : search.feature
  return {
    at: chosen === -1 ? (newest === -1 ? windows.length - 1 : newest) : chosen,
    feature: said === undefined ? first?.feature : said,
    change: (to: Partial<MonitoringView>) =>
      void navigate({
        search: (now) => ({ ...now, ...to }),
        resetScroll: false,
        replace: true,
      }),
  }
}

function skippedIn({ windows }: MonitoringWire): string | undefined {
  return windows.at(-1)?.parts.find(({ kind }) => kind === 'drift')?.words
}

/** Earlier windows, and back to the newest. */
function Pages({ of: { endpoint, next } }: { of: MonitoringWire }) {
  const { before } = useSearch({ from: FROM })
  return (
    <div className="flex flex-wrap gap-2">
      {next === null ? null : (
        <Link to={FROM} params={{ endpoint }} search={{ before: next }} className="button">
          Earlier
        </Link>
      )}
      {before === undefined ? null : (
        <Link to={FROM} params={{ endpoint }} search={{}} className="button">
          Newest
        </Link>
      )}
    </div>
  )
}

const ALERTS_SHOWN = 5

/** What somebody must look at, with the way to its causes. Nothing stands here while all is well. */
function OpenAlerts({ endpoint }: { endpoint: string }) {
  const { data } = useInfiniteQuery(alertsQuery({ open: true, endpoint }))
  // The worst first; the last that came up first among those.
  const alerts = (data?.pages.flatMap((page) => page.alerts) ?? []).toSorted(
    (one, other) => Number(other.severity === 'critical') - Number(one.severity === 'critical'),
  )
  if (alerts.length === 0) return null
  return (
    <Card
      id="alerts"
      title="Open alerts"
      Icon={BellRing}
      aside={
        <Link
          to="/alerts"
          search={{ endpoint, show: 'all' }}
          className={`${LINK} text-[0.8125rem]`}
        >
          All alerts of the endpoint
        </Link>
      }
    >
      <ul aria-label="Open alerts" className="flex flex-col gap-2 text-sm">
        {alerts.slice(0, ALERTS_SHOWN).map(({ id, kind, subject, severity, detail, raised }) => (
          <li key={id} className="flex flex-wrap items-start gap-x-3 gap-y-1">
            <StatePill state={severity === 'critical' ? 'bad' : 'warning'}>
              {severity === 'critical' ? 'Critical' : 'Warning'}
            </StatePill>
            <span className="min-w-0 flex-1 basis-60 wrap-anywhere text-ink-2">
              <Link
                to="/alerts"
                search={{ endpoint, alert: id }}
                className="font-medium text-ink underline underline-offset-2"
              >
                {spoken(kind)}
                {subject === '' ? '' : ` of ${subject}`}
              </Link>{' '}
              since {day(raised)}: {detail}
            </span>
          </li>
        ))}
      </ul>
      {alerts.length > ALERTS_SHOWN ? (
        <p className="text-[0.8125rem]">
          <Link to="/alerts" search={{ endpoint }} className={LINK}>
            {alerts.length - ALERTS_SHOWN} more
          </Link>
        </p>
      ) : null}
    </Card>
  )
}
