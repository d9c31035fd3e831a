import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { BellOff, BellRing } from 'lucide-react'
import { alertsQuery } from '#web/api/alerting.ts'
import { Card } from '#web/ui/card.tsx'
import { LINK, Page, tabClass, Trouble, Waiting } from '#web/ui/page.tsx'
import { AlertLine } from './alert-line.tsx'
import { Silences } from './silences.tsx'

const TABS = [
  { show: undefined, words: 'Open' },
  { show: 'all', words: 'History' },
  { show: 'silences', words: 'Silences' },
] as const

/** What somebody must hear of: who looks after it, what caused it, and what nobody is told of for now. */
export function AlertsPage() {
  const { show, endpoint } = useSearch({ from: '/alerts' })
  return (
    <Page
      title="Alerts"
      lead={
        endpoint === undefined ? (
          'What the monitors, rollouts and policies found that somebody must hear of.'
        ) : (
          <>
            Of{' '}
            <Link
              to="/endpoints/$endpoint/monitoring"
              params={{ endpoint }}
              search={{}}
              className={LINK}
            >
              {endpoint}
            </Link>{' '}
            alone.{' '}
            <Link to="/alerts" search={show === undefined ? {} : { show }} className={LINK}>
              Show those of all endpoints
            </Link>
          </>
        )
      }
    >
      <nav aria-label="Alerts" className="flex gap-1 overflow-x-auto border-b border-line">
        {TABS.map((tab) => (
          <Link
            key={tab.words}
            to="/alerts"
            search={{
              ...(tab.show === undefined ? {} : { show: tab.show }),
              ...(endpoint === undefined ? {} : { endpoint }),
            }}
            aria-current={tab.show === show ? 'page' : undefined}
            className={tabClass(tab.show === show)}
          >
            {tab.words}
          </Link>
        ))}
      </nav>
      {show === 'silences' ? (
        <Card id="silences" title="Silences" Icon={BellOff}>
          <Silences />
        </Card>
      ) : (
        <Card id="alerts" title={show === 'all' ? 'All alerts' : 'Open alerts'} Icon={BellRing}>
          <Alerts open={show !== 'all'} endpoint={endpoint} />
        </Card>
      )}
    </Page>
  )
}

function Alerts({ open, endpoint }: { open: boolean; endpoint: string | undefined }) {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    alertsQuery({ open, endpoint }),
  )
  const alerts = data?.pages.flatMap((page) => page.alerts)
  if (alerts === undefined)
    return error === null ? <Waiting>Asking the server…</Waiting> : <Trouble error={error} />
  return (
    <>
      <Trouble error={error} />
      {alerts.length === 0 ? (
        <p className="text-sm text-ink-2">
          {open ? 'Nothing is wrong that anybody has to hear of.' : 'There was no alert yet.'}
        </p>
      ) : (
        <ul aria-label="Alerts, the last first" className="flex flex-col">
          {alerts.map((alert) => (
            <AlertLine key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
      {hasNextPage ? (
        <button
          type="button"
          className="button self-start"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Earlier alerts
        </button>
      ) : null}
    </>
  )
}
