import type { AlertDestination, Project } from '#projects'
import { HEALTHY, type DeclaredDialect, type Webhook } from '#webhooks'

/** What a destination is kept as in the delivery log; what it is stands in its project's `orrery.yaml`. */
export function destinationId(project: string, name: string): string {
  return `${prefixOf(project)}${encodeURIComponent(name)}`
}

/** The project and the name of a destination. */
export function destinationIn(id: string): { project: string; name: string } {
  const [, project = '', name = ''] = id.split('/').map(decodeURIComponent)
  return { project, name }
}

export function declaredIn({ name, config: { alerts } }: Project): string[] {
  return Object.keys(alerts?.destinations ?? {}).map((each) => destinationId(name, each))
}

export function isDestinationOf(id: string, project: string): boolean {
  return id.startsWith(prefixOf(project))
}

function prefixOf(project: string): string {
  return `alerts/${encodeURIComponent(project)}/`
}

const DIALECTS: Readonly<Record<keyof AlertDestination, DeclaredDialect>> = {
  webhook: 'alert-webhook',
  slack: 'alert-slack',
  pagerduty: 'alert-pagerduty',
  alertmanager: 'alert-alertmanager',
  email: 'alert-email',
}

export function dialectFor(destination: AlertDestination): DeclaredDialect {
  const [kind] = Object.keys(destination) as [keyof AlertDestination]
  return DIALECTS[kind]
}

/** A receiver that has its messages from the delivery log, as webhooks have; neither its address nor its secrets are kept. */
export function destinationRow(at: {
  project: string
  name: string
  dialect: DeclaredDialect
  nowMs: number
}): Webhook {
  const { project, name, dialect, nowMs } = at
  return {
    id: destinationId(project, name),
    name,
    description: `Alerts of ${project}`,
    url: '',
    dialect,
    events: [],
    subject: null,
    enabled: true,
    disabledBecause: null,
    after: 0,
    secrets: [],
    health: HEALTHY,
    turn: null,
    createdMs: nowMs,
    updatedMs: nowMs,
  }
}
