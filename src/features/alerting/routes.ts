import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import type { AlertRoute, Project } from '#projects'
import { fits, LABELS, type Label, type Labels, type Trouble } from './trouble.ts'

/** A group that a trouble belongs to by a project's routes. */
export interface Place {
  readonly key: string
  readonly project: string
  readonly route: AlertRoute
  readonly labels: Labels
}

const GROUP_BY: readonly Label[] = ['endpoint', 'kind']

/**
 * The groups that a trouble is told in. Routes of its own project decide, and where no project declares its endpoint
 * those of all; the first that fits is the last, unless it says to go on.
 */
export function placesOf(trouble: Trouble, projects: readonly Project[]): Place[] {
  return projects
    .filter(({ name }) => trouble.project === '' || trouble.project === name)
    .flatMap((project) =>
      chosen(routesOf(project), trouble).map((route) => placeOf(project.name, route, trouble)),
    )
}

function routesOf({ config: { alerts } }: Project): readonly AlertRoute[] {
  if (alerts === undefined) return []
  const everybody = Object.keys(alerts.destinations)
  return alerts.routes ?? (everybody.length === 0 ? [] : [{ to: everybody }])
}

function chosen(routes: readonly AlertRoute[], trouble: Trouble): AlertRoute[] {
  const taken: AlertRoute[] = []
  for (const route of routes) {
    if (!fits(trouble, route.match ?? {})) continue
    taken.push(route)
    if (route.continue !== true) break
  }
  return taken
}

function placeOf(project: string, route: AlertRoute, trouble: Trouble): Place {
  const by = route.group_by ?? GROUP_BY
  const labels = Object.fromEntries(
    LABELS.filter((label) => by.includes(label)).map((label) => [label, trouble[label]]),
  )
  // How soon and how often it is told may change; who is told of what makes another group.
  const { match = {}, to } = route
  const name = sha256(canonicalJson({ match, to, by })).slice(0, 16)
  const key = [project, name, ...Object.values(labels)].map(encodeURIComponent).join('/')
  return { key, project, route, labels }
}
