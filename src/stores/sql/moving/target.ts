import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { migrations } from '../migrations/index.ts'
import { holdDatabase } from '../postgres/hold.ts'
import { isPostgresUrl } from '../postgres/url.ts'
import type { End, Holding, Move, Receiving } from './end.ts'
import { lookIntoDatabase, noteIn, postgresReads } from './postgres-end.ts'
import { receiveInDatabase, removeCopy } from './postgres-receiving.ts'
import { notInUse } from './refuse.ts'
import { lookIntoFile, openFileEnd, receiveInFile } from './sqlite-receiving.ts'

/** A database to be moved to, as it is before anything is done to it. */
export interface Target {
  readonly place: string
  readonly holding: Holding
  readonly moves: readonly Move[]
  /** What it holds already, read. */
  end(): Pick<End, 'tables' | 'rows' | 'evidence'>
  /** Makes it ready for rows; a copy that was never put to use goes. */
  receive(clock: Clock): Promise<Receiving>
  /** Notes that the copy in it is the one in use. */
  putToUse(move: Move): Promise<void>
  /** The name that was given to what was there before. */
  setAside(): string | undefined
  close(): Promise<void>
}

/** Looks at a database to be moved to, and changes nothing. Throws a `conflict` problem when a newer version wrote it. */
export async function lookAt(place: string): Promise<Target> {
  return isPostgresUrl(place) ? lookAtDatabase(place) : lookAtFile(place)
}

async function lookAtDatabase(url: string): Promise<Target> {
  const hold = await holdDatabase(url)
  try {
    await hold.lock()
    const reads = postgresReads(hold)
    refuseNewer(hold.shown, await reads.steps())
    const holding = await lookIntoDatabase(hold)
    const moves = await reads.moves()
    return {
      place: hold.shown,
      holding,
      moves,
      end: () => reads,
      receive: async (clock) => {
        if (holding.of === 'rows') await removeCopy(hold)
        return receiveInDatabase(url, { hold, clock })
      },
      putToUse: (move) => noteIn(hold, move),
      setAside: () => undefined,
      close: hold.close,
    }
  } catch (error) {
    await hold.close()
    throw error
  }
}

async function lookAtFile(file: string): Promise<Target> {
  const { holding, moves, steps } = await lookIntoFile(file)
  refuseNewer(file, steps)
  let end: ReturnType<typeof openFileEnd> | undefined
  let receiving: Receiving | undefined
  let setAside: string | undefined
  const opened = () => (end ??= openFileEnd(file))
  return {
    place: file,
    holding,
    moves,
    end: opened,
    receive: async (clock) => {
      await end?.close()
      end = undefined
      const day = new Date(clock.nowMs()).toISOString().replaceAll(/[:.]/g, '-')
      receiving = await receiveInFile(file, {
        clock,
        aside: `${file}.moved-${day}`,
        onSetAside: (name) => {
          setAside = name
        },
      })
      return receiving
    },
    putToUse: (move) => (receiving ?? opened()).note(move),
    setAside: () => setAside,
    close: async () => {
      await receiving?.close()
      await end?.close()
    },
  }
}

function refuseNewer(place: string, steps: readonly string[]): void {
  const unknown = steps.filter((name) => !migrations.some((each) => each.name === name))
  if (unknown.length > 0)
    throw new Problem(
      'conflict',
      `${place} was written by a newer version of Orrery (it has ${unknown.join(', ')}); name another, or move with that version`,
    )
}

/** Throws a `conflict` problem when a database holds what a move would mix with its own; `waiting` is a copy not in use. */
export function refuseFull(
  { place, holding, moves }: Target,
  { from, waiting }: { from: string; waiting: Move | undefined },
): void {
  if (waiting !== undefined && waiting.place !== from) throw notInUse(place, waiting)
  if (waiting !== undefined || holding.of === 'nothing') return
  const isFile = !place.includes('://')
  const left = moves.find(({ state }) => state === 'left')
  // Such a file is given another name when the new one takes its place.
  if (left !== undefined && isFile) return
  const what =
    left === undefined
      ? `holds something already (${holding.of === 'rows' ? `rows in ${holding.table}` : holding.table})`
      : `still holds what was moved to ${left.place}`
  throw new Problem(
    'conflict',
    isFile
      ? `${place} ${what}; give that file another name, or take another --home`
      : `the database ${place} ${what}; name an empty one, or give up what it holds with: drop schema orrery cascade`,
  )
}
