import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { verifierKey } from '#ledger'
import { moveStore, type MovedStore, type MoveWorld } from '#stores/sql/moving/index'
import { isPostgresUrl, samePostgres, withoutSecrets } from '#stores/sql/postgres/url'
import { databaseOf, loadConfig, type LoadedConfig } from '../settings/config.ts'
import { saveSetting } from '../settings/save-setting.ts'
import { takeHome } from './home.ts'
import { findLedgerKey, keysFolder, signingKey } from './keys.ts'
import { placesIn } from './places.ts'

export interface MoveRequest {
  readonly to: string
  readonly from?: string | undefined
  readonly home?: string | undefined
  readonly how: 'move' | 'only look'
}

export interface MovedHome {
  readonly store: MovedStore
  readonly home: string
  readonly seconds: number
  /** What a person has to know or do besides. */
  readonly notes: readonly string[]
}

/**
 * Moves the metadata of a home to another database, and lets the home use that from then on. Nothing of the home but
 * its setting changes, and that only when the copy is whole.
 */
export async function moveHome(
  { to, from, home, how }: MoveRequest,
  show: MoveWorld['show'],
): Promise<MovedHome> {
  const loaded = loadConfig(home === undefined ? {} : { home: resolve(home) })
  const { config } = loaded
  const target = placeIn(to, { home: config.home, flag: '--to' })
  const source =
    from === undefined ? databaseOf(config) : placeIn(from, { home: config.home, flag: '--from' })
  refuseElsewhere(target, config.home)
  if (isSamePlace(source, target)) throw sameProblem(target)
  const privateKey = await findLedgerKey(keysFolder(config))
  if (privateKey === undefined)
    throw new Problem(
      'not-found',
      `${config.home} has no key of a ledger, so no server has run there; name the right --home`,
    )
  const release = await takeHomes(config.home, source)
  const clock = systemClock
  const startMs = clock.nowMs()
  try {
    const verifier = verifierKey(signingKey(privateKey))
    const store = await moveStore(
      { from: source, to: target, verifier, how },
      { clock, ids: randomIds, show },
    ).catch((error: unknown) => {
      throw withUse(error, shownPlace(source))
    })
    if (how === 'move')
      await saveSetting(config.home, 'database', isPostgresUrl(target) ? target : '')
    return {
      store,
      home: config.home,
      seconds: (clock.nowMs() - startMs) / 1000,
      notes: how === 'move' ? notesOf(loaded, target) : [],
    }
  } finally {
    await release()
  }
}

/** A place as it was typed: a URL, or a file behind `sqlite:`, which alone means the one in the home. */
function placeIn(text: string, { home, flag }: { home: string; flag: string }): string {
  if (isPostgresUrl(text)) return text
  const file = /^sqlite:(.*)$/s.exec(text)?.[1]
  if (file === undefined || file.startsWith('//'))
    throw new Problem(
      'invalid',
      `${flag} takes postgres://user:password@host:5432/database, or sqlite:FILE, not ${JSON.stringify(withoutSecrets(text))}`,
    )
  return file === '' ? join(home, 'orrery.db') : resolve(file)
}

/** A server keeps its SQLite file in its home, where the lock of the home is its own. */
function refuseElsewhere(target: string, home: string): void {
  const own = join(home, 'orrery.db')
  if (isPostgresUrl(target) || isSamePlace(target, own)) return
  throw new Problem(
    'invalid',
    `a server keeps its SQLite file in its home; give --to sqlite:${own}, or only --to sqlite:`,
  )
}

function isSamePlace(one: string, other: string): boolean {
  if (isPostgresUrl(one) || isPostgresUrl(other)) return samePostgres(one, other)
  return realPath(one) === realPath(other)
}

function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : resolve(file)
}

function sameProblem(place: string): Problem {
  return new Problem(
    'conflict',
    `the home uses ${shownPlace(place)} already; there is nothing to move`,
  )
}

function shownPlace(place: string): string {
  return isPostgresUrl(place) ? withoutSecrets(place) : place
}

/** The home, and the one that a file elsewhere belongs to: no server may start on either meanwhile. */
async function takeHomes(home: string, source: string): Promise<() => Promise<void>> {
  const own = await takeHome(home)
  const other = isPostgresUrl(source) ? home : dirname(source)
  if (isSamePlace(other, home) || !existsSync(join(other, 'lock'))) return own.release
  try {
    const theirs = await takeHome(other)
    return async () => {
      await theirs.release()
      await own.release()
    }
  } catch (error) {
    await own.release()
    throw error
  }
}

/** What may be otherwise at the next attempt. */
const PASSING = new Set(['unavailable', 'full'])

/** What went wrong on the way, and that it changed nothing. A bug stays one. */
function withUse(error: unknown, source: string): unknown {
  if (!(error instanceof Problem) || !PASSING.has(error.code)) return error
  const said = error.message.replace(/; try again$/, '')
  return new Problem(
    error.code,
    `${said}; the move was not finished: give the same command again, or go on with ${source}`,
    { cause: String(error.cause) },
  )
}

function notesOf({ config, origins }: LoadedConfig, target: string): string[] {
  const from = origins.find(({ key }) => key === 'database')?.from
  const { destination } = placesIn(config)
  return [
    `Artifacts and sealed predictions stay in ${destination}; predictions.db, keys and projects stay in ${config.home}.`,
    ...(from === 'environment'
      ? [
          `ORRERY_DATABASE is set and wins over config.yaml: set it to ${isPostgresUrl(target) ? withoutSecrets(target) : 'nothing'}.`,
        ]
      : []),
    ...(isPostgresUrl(target) && new URL(target).password !== ''
      ? ['config.yaml holds the password, readable by its owner only.']
      : []),
  ]
}
