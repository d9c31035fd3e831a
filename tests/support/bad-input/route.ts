/** Which language a route speaks, and with it the form of its errors. */
export type Protocol = 'api' | 'mlflow' | 'scoring' | 'inference'

/** A route, and a request that it would take. */
export interface Route {
  readonly protocol: Protocol
  readonly method: string
  /** With `{name}` where a value of `places` goes. */
  readonly path: string
  readonly places: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** Names of fields and of query parameters without which it makes no sense. */
  readonly required: readonly string[]
}

export function pathOf(
  route: Route,
  places: Readonly<Record<string, string>> = {},
  query: readonly (readonly [string, string])[] = Object.entries(route.query),
): string {
  const path = route.path.replace(
    /\{(\w+)\}/g,
    (_, name: string) => places[name] ?? encodeURIComponent(route.places[name] ?? ''),
  )
  const search = query.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')
  return search === '' ? path : `${path}?${search}`
}

export function nameOf({ method, path }: Route): string {
  return `${method} ${path}`
}
