import { messageOf, Problem } from '#base/problem'
import { SCHEMA, type Address } from './address.ts'

/** An error of the driver (a `code` of five characters is PostgreSQL's own) or of the network. */
interface Failure {
  readonly code?: string
  readonly message?: string
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** Shut down, crashed, still starting, session ended for idling or by an administrator. */
const GONE = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])
/** A statement that was kept prepared, and the tables are others now; a new connection knows no such statement. */
const STALE = new Set(['0A000', '26000'])

/** Whether the connection is lost or of no more use, and another one may do better. */
export function isLost(error: unknown): boolean {
  const { code = '', message = '' } = error as Failure
  if (NETWORK.has(code) || GONE.has(code) || code.startsWith('08')) return true
  if (STALE.has(code) && /cached plan|prepared statement/.test(message)) return true
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout e)/.test(
    message,
  )
}

const PASSING: Readonly<Record<string, string>> = {
  '53200': 'the database is out of memory',
  '53300': 'the database has no connection left; raise its max_connections',
  '55P03': 'another server has held the database for too long',
  '57014': 'the database took too long and was told to give up',
  '25006': 'the database takes no writes, as a standby does; name its primary with --database',
  '40001': 'the database could not order the changes of two servers',
  '40P01': 'the database found two servers waiting for each other',
}

const REFUSED: Readonly<Record<string, string>> = {
  '22021': 'a text holds a character that cannot be kept; leave out \\0',
  '22003': 'a number is too large to be kept; give one below 2^63',
}

/** What an error of a running database means to whoever asked; undefined for those that are bugs. */
export function problemOf(error: unknown, { shown }: Address): Problem | undefined {
  const { code = '' } = error as Failure
  if (code === '53100')
    return new Problem(
      'full',
      'the disk of the database is full, so nothing was written; free some space, then send it again',
    )
  const passing = PASSING[code]
  if (passing !== undefined) return new Problem('unavailable', `${passing}; try again`)
  // What is beyond every number comes as a text with an exponent, which is no whole number to PostgreSQL.
  const isBeyond =
    code === '22P02' && /type (?:bigint|integer): "-?\d[\d.]*e\+/.test(messageOf(error))
  const refused = REFUSED[isBeyond ? '22003' : code]
  if (refused !== undefined) return new Problem('invalid', refused)
  if (code === '42501')
    return new Problem('unavailable', `${rights(error)}; give the user of ${shown} its rights back`)
  return isLost(error)
    ? new Problem(
        'unavailable',
        `the connection to the database was lost (${messageOf(error)}); try again`,
      )
    : undefined
}

/** Why a first connection failed, for the person who starts the server. */
export function startProblem(error: unknown, address: Address): Problem {
  if (error instanceof Problem) return error
  const { code = '' } = error as Failure
  const { where, database, user, shown } = address
  const said = messageOf(error)
  if (code === '28P01')
    return new Problem(
      'invalid',
      `the database at ${where} refuses the user or the password (${said}); correct it in --database or ORRERY_DATABASE`,
    )
  if (code === '28000')
    return new Problem(
      'invalid',
      `the database at ${where} does not let the user in (${said}); see its pg_hba.conf`,
    )
  if (code === '3D000')
    return new Problem(
      'not-found',
      `there is no database "${database}" at ${where}; make it with: createdb -E UTF8 -T template0 ${database}`,
    )
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Problem('invalid', `the host of ${shown} is not known; correct --database`)
  if (code === '42501')
    return new Problem(
      'conflict',
      `${rights(error)}; let an administrator run in "${database}": create schema ${SCHEMA} authorization "${user ?? 'USER'}"`,
    )
  if (!isLost(error)) throw error
  return new Problem(
    'unavailable',
    `the database ${shown} does not answer (${said || code}); see that PostgreSQL runs there, and correct --database`,
  )
}

function rights(error: unknown): string {
  return `the user of the database has too few rights (${messageOf(error)})`
}
