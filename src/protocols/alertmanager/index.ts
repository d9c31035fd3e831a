import type { Notice } from '#alerting'

/** An alert as Alertmanager's API, version 2, takes it; one without an end is still open. */
interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt?: string
  readonly generatorURL?: string
}

/**
 * Alertmanager ends what it is not told again. A server that is away for a day has not cleared anything by that, so what
 * is open ends a day after it was told last; it is told again every few minutes.
 */
const OPEN_FOR_MS = 86_400_000

/** Alerts for Alertmanager, which groups and routes by itself: each one, and nothing about who acknowledged it. */
export function alertmanagerAlerts(notice: Notice): PostedAlert[] | undefined {
  if (notice.reason === 'acknowledged') return undefined
  return notice.troubles.map((trouble) => {
    const { project, endpoint, kind, subject, severity, detail, clearedMs, id } = trouble
    const labels = {
      alertname: `Orrery${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`,
      project: project === '' ? notice.project : project,
      endpoint,
      kind,
      subject,
      severity,
    }
    return {
      // Alertmanager knows an alert by its labels, and an empty one is none.
      labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
      annotations: { summary: detail, alert: id },
      startsAt: new Date(notice.sinceMs).toISOString(),
      ...(clearedMs === null ? {} : { endsAt: new Date(notice.atMs).toISOString() }),
      ...(notice.link === null ? {} : { generatorURL: notice.link }),
    }
  })
}

/** The alerts as they are sent at `nowMs`. */
export function withEnds(body: string, nowMs: number): string {
  const endsAt = new Date(nowMs + OPEN_FOR_MS).toISOString()
  const alerts = JSON.parse(body) as PostedAlert[]
  return JSON.stringify(alerts.map((alert) => Object.assign({ endsAt }, alert)))
}

/** Where an Alertmanager at this address takes alerts; it may lie under a path. */
export function alertmanagerUrl(url: string): string {
  return `${url.replace(/\/+$/, '')}/api/v2/alerts`
}
