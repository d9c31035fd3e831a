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
