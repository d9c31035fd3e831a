import { Link, useSearch } from '@tanstack/react-router'
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import type { TroubleShown } from '#protocols/api/alerting-wire'
import { moment, spoken } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { AcknowledgeDialog } from './acknowledge.tsx'
import { CausesOf } from './causes.tsx'
import { SilenceDialog } from './silence-dialog.tsx'

/** One alert: what, since when, who looks after it; opened, what caused it. */
export function AlertLine({ alert }: { alert: TroubleShown }) {
  const search = useSearch({ from: '/alerts' })
  const { id, detail, severity, state, endpoint, raised, cleared } = alert
  const { alert: opened, ...others } = search
  const isOpened = opened === id
  const Chevron = isOpened ? ChevronDown : ChevronRight
  return (
    <li className="flex flex-col gap-3 border-t border-line py-3 first:border-t-0 first:pt-0 last:pb-0">
      <div className="flex flex-col gap-x-3 gap-y-1.5 sm:flex-row">
        <div className="w-24 shrink-0">
          {state === 'cleared' ? (
            <StatePill state="none">Cleared</StatePill>
          ) : (
            <StatePill state={severity === 'critical' ? 'bad' : 'warning'}>
              {severity === 'critical' ? 'Critical' : 'Warning'}
            </StatePill>
          )}
        </div>
        <div className="flex min-w-0 flex-1 flex-col gap-1 text-sm">
          <p className="font-medium wrap-anywhere">
            <Link
              to="/alerts"
              search={isOpened ? others : { ...others, alert: id }}
              resetScroll={false}
              data-row=""
              aria-expanded={isOpened}
              className="inline-flex min-h-6 items-center gap-1 hover:underline"
            >
              <Chevron aria-hidden size={14} className="shrink-0 text-ink-3" />
              {titleOf(alert)}
            </Link>
          </p>
          <p className="wrap-anywhere text-ink-2">{detail}</p>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[0.8125rem] text-ink-3 [&_a]:inline-flex [&_a]:min-h-6 [&_a]:items-center">
            {endpoint === '' ? null : (
              <Link
                to="/endpoints/$endpoint/monitoring"
                params={{ endpoint }}
                search={{}}
                className={LINK}
              >
                {endpoint}
              </Link>
            )}
            <span>
              since <Moment time={raised} />
            </span>
            {cleared === null ? null : (
              <span>
                cleared <Moment time={cleared} />
              </span>
            )}
            <Minded alert={alert} />
          </p>
        </div>
        {state === 'open' ? <Deeds alert={alert} /> : null}
      </div>
      {isOpened ? (
        <div className="sm:pl-27">
          <CausesOf alert={alert} />
        </div>
      ) : null}
    </li>
  )
}

function titleOf({ kind, subject }: TroubleShown): string {
  const what = spoken(kind)
  const words = kind === 'kpis' ? 'KPI' : what.charAt(0).toUpperCase() + what.slice(1)
  return subject === '' ? words : `${words}: ${subject}`
}

/** Who looks after it, and whether anybody is told. */
function Minded({ alert: { acknowledged, silencedUntil } }: { alert: TroubleShown }) {
  return (
    <>
      {acknowledged === null ? null : (
        <span className="wrap-anywhere text-good">
          acknowledged by {acknowledged.by}
          {acknowledged.comment === '' ? '' : `: ${acknowledged.comment}`}
        </span>
      )}
      {silencedUntil === null ? null : <span>silenced until {moment(silencedUntil)}</span>}
    </>
  )
}

function Deeds({ alert }: { alert: TroubleShown }) {
  const [asked, setAsked] = useState<'acknowledge' | 'silence'>()
  const close = () => setAsked(undefined)
  return (
    <div className="flex shrink-0 flex-wrap items-start gap-2">
      {alert.acknowledged === null ? (
        <button type="button" className="button" onClick={() => setAsked('acknowledge')}>
          Acknowledge
        </button>
      ) : null}
      <button type="button" className="button" onClick={() => setAsked('silence')}>
        Silence
      </button>
      {asked === 'acknowledge' ? <AcknowledgeDialog alert={alert} onClose={close} /> : null}
      {asked === 'silence' ? <SilenceDialog alert={alert} onClose={close} /> : null}
    </div>
  )
}
