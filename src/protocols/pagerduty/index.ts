import { aboutOf, NAMED_MAX, type Notice } from '#alerting'

/** Where PagerDuty takes events; accounts in Europe name `https://events.eu.pagerduty.com/v2/enqueue`. */
export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

/** PagerDuty's own limit. */
const SUMMARY_CHARS_MAX = 1024

const ACTIONS: Readonly<Partial<Record<Notice['reason'], 'acknowledge' | 'resolve'>>> = {
  acknowledged: 'acknowledge',
  recovered: 'resolve',
}

/** An event for PagerDuty's Events API, version 2, but for the routing key: that is a secret. */
export function pagerDutyEvent(notice: Notice): object {
  const { group, reason, title, severity, sinceMs, project, labels, link } = notice
  const action = ACTIONS[reason] ?? 'trigger'
  const dedup = { event_action: action, dedup_key: `orrery/${group}` }
  if (action !== 'trigger') return dedup
  const { troubles, open, over } = notice
  return {
    ...dedup,
    client: 'Orrery',
    ...(link === null ? {} : { client_url: link, links: [{ href: link, text: 'Look at it' }] }),
    payload: {
      summary: title.slice(0, SUMMARY_CHARS_MAX).toWellFormed(),
      source: labels.endpoint === undefined || labels.endpoint === '' ? project : labels.endpoint,
      severity,
      timestamp: new Date(sinceMs).toISOString(),
      component: project,
      ...(labels.kind === undefined ? {} : { class: labels.kind }),
      custom_details: {
        open,
        over,
        alerts: troubles.slice(0, NAMED_MAX).map((trouble) => ({
          id: trouble.id,
          about: aboutOf(trouble),
          detail: trouble.detail.slice(0, 1000).toWellFormed(),
          severity: trouble.severity,
          state: trouble.clearedMs === null ? 'open' : 'over',
        })),
      },
    },
  }
}

/** The event as it is sent. */
export function withRoutingKey(body: string, key: string): string {
  return JSON.stringify({ routing_key: key, ...(JSON.parse(body) as object) })
}
