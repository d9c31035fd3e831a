import { sql, type Kysely } from 'kysely'
import { Problem } from '#base/problem'
import type { Move } from './end.ts'

/** Throws a `conflict` problem where a database is one of two copies, and not the one in use. */
export async function refuseMoved(db: Kysely<unknown>, place: string): Promise<void> {
  const { rows } = await sql<Move>`select id, state, place, at_ms as "atMs" from moves
    where state <> 'arrived' order by at_ms desc`.execute(db)
  const [move] = rows
  if (move !== undefined) throw notInUse(place, move)
}

/** Why a database cannot be used, and what to do. */
export function notInUse(place: string, move: Move): Problem {
  const day = new Date(move.atMs).toISOString().slice(0, 16).replace('T', ' ')
  if (move.state === 'arriving')
    return new Problem(
      'conflict',
      `${place} holds a copy of ${move.place} whose move, of ${day}, was not finished; finish it with "orrery migrate", or go on with ${move.place}`,
    )
  return new Problem(
    'conflict',
    `what ${place} holds was moved to ${move.place} on ${day}; use that (--database, ORRERY_DATABASE and the home's config.yaml name it), finish the move by giving the same "orrery migrate" again, or bring it back with "orrery migrate --to ${toReturnTo(place)}"`,
  )
}

function toReturnTo(place: string): string {
  return place.includes('://') ? place : `sqlite:${place}`
}
