/** Whether a place of a database is meant for PostgreSQL and not the name of a file. */
export function isPostgresUrl(place: string): boolean {
  return /^postgres(ql)?:\/\//i.test(place)
}

/** The URL without its secrets. */
export function withoutSecrets(url: string): string {
  try {
    const shown = new URL(url)
    if (shown.password !== '') shown.password = '***'
    for (const name of new Set(shown.searchParams.keys()))
      if (/pass|secret|token/i.test(name)) shown.searchParams.set(name, '***')
    return shown.href
  } catch {
    // Whatever it is, a part of it may be the password.
    return 'postgres://***'
  }
}

/** Whether two places are one database on one server, as far as their names tell. */
export function samePostgres(one: string, other: string): boolean {
  return databaseNamed(one) === databaseNamed(other)
}

function databaseNamed(place: string): string {
  if (!isPostgresUrl(place) || !URL.canParse(place)) return place
  const { hostname, port, pathname, searchParams } = new URL(place)
  return `${hostname || searchParams.get('host')}:${port || '5432'}${pathname}`
}
