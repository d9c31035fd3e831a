import { types, type ClientConfig } from 'pg'
import { Problem } from '#base/problem'
import { withoutSecrets } from './url.ts'

/**
 * All tables stand in a schema of this name: others in the same database may have an "experiments" or "runs" of their own
 * (an MLflow server does), and an ordinary user may make nothing in "public".
 */
export const SCHEMA = 'orrery'

/** A PostgreSQL server and a database on it. */
export interface Address {
  readonly config: ClientConfig
  /** Host and port, for people. */
  readonly where: string
  readonly database: string
  /** The user's name, if the URL gives it. */
  readonly user: string | undefined
  /** The URL as people may see it, without the password. */
  readonly shown: string
}

/** Reads a URL of a database. Throws an `invalid` problem that shows no password. */
export function addressIn(url: string): Address {
  const wrong = (what: string) =>
    new Problem(
      'invalid',
      `the database URL ${withoutSecrets(url)} ${what}; write postgres://user:password@host:5432/database, with special characters of the password as %xx`,
    )
  if (!URL.canParse(url)) throw wrong('cannot be read')
  const parsed = new URL(url)
  const host = parsed.hostname || parsed.searchParams.get('host')
  const database = decoded(parsed.pathname.slice(1))
  const user = decoded(parsed.username)
  if (database === undefined || user === undefined || decoded(parsed.password) === undefined)
    throw wrong('has a % that is no %xx')
  if (host === null || host === '') throw wrong('names no host')
  if (database === '') throw wrong('names no database')
  const given = parsed.searchParams.get('options') ?? ''
  parsed.searchParams.set('options', `${given} -c search_path=${SCHEMA} -c jit=off`.trimStart())
  return {
    shown: withoutSecrets(url),
    where: `${host}:${parsed.port || '5432'}`,
    database,
    user: user || undefined,
    config: {
      connectionString: parsed.href,
      application_name: 'orrery',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      types: { getTypeParser: typeParser },
    },
  }
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

const INT8 = 20
const NUMERIC = 1700

/** Whole numbers come as numbers, as they do from SQLite; the driver would give texts. */
const typeParser = ((type: number, format?: 'text') => {
  if (type === INT8 || type === NUMERIC) return Number
  return types.getTypeParser(type, format)
}) as typeof types.getTypeParser
