import { setImmediate as nextTurn } from 'node:timers/promises'
import { spareProcessors } from '#base/idle-share'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { HourProfile } from '#serving'
import type { Connection } from './database.ts'
import { restMs } from './pace.ts'
import { hourCounter, mergeHour, type Hour, type HourCounter } from './profile-hours.ts'
import type { profilePages } from './profile-pages.ts'
import { bodyOf, hourIn, profileReader, type ProfileRow } from './profile-reader.ts'

/** Rows that share a commit: the hours they lie in are written once for all of them. */
const ROWS_MAX = 50_000
/** Hours that share one: as many are held in memory. */
const HOURS_MAX = 200

/** How long new rows may wait to be profiled when nobody asks; what comes in this time is added together. */
const WAIT_MS = 30_000

interface Dependencies {
  readonly reader: Connection
  readonly pages: ReturnType<typeof profilePages>
  readonly commit: <T>(work: (writer: Connection) => T) => Promise<T>
  readonly onGrowth: (listener: (endpoint: string) => void) => () => void
  readonly logger: Logger | undefined
}

/**
 * Profiles the log hour by hour as it grows. The hours that some rows changed are written in one transaction with the place
 * up to which rows are in them, so that each row is in once, whenever the process dies.
 */
export function profiling(dependencies: Dependencies) {
  const { reader, pages, onGrowth, logger } = dependencies
  const write = hourWriter(dependencies)
  const place = reader.prepare('select id, profiled_seq from endpoints where name = ?')
  const newest = newestSeq(reader)
  const read = profileReader(reader)
  const stop = new AbortController()
  const running = new Map<string, Promise<void>>()

  /** Adds a piece of an endpoint's log, up to a number; false when there is no more. */
  const step = async (
    endpoint: string,
    upTo: number,
    pause: () => Promise<unknown>,
  ): Promise<boolean> => {
    const found = place.get(endpoint) as { id: number; profiled_seq: number } | undefined
    if (found === undefined) return false
    const counter = hourCounter()
    let reached = found.profiled_seq
    while (reached < upTo && !stop.signal.aborted && hasRoom(counter)) {
      // oxlint-disable-next-line no-await-in-loop -- the next page begins where this one ends
      reached = (await pages.next(found.id, reached, counter)) ?? upTo
      await pause()
    }
    if (reached > found.profiled_seq)
      await write(found.id, counter.hours, { after: found.profiled_seq, upTo: reached })
    return reached < upTo
  }
  /**
   * One at a time for each endpoint; whoever comes later waits for what came before. It goes as far as the log goes now: a log
   * that grows all the time has no end.
   */
  const inTurn = (endpoint: string, pause: () => Promise<unknown>): Promise<void> => {
    const before = running.get(endpoint) ?? Promise.resolve()
    const upTo = newest(endpoint)
    const caughtUp = async () => {
      await before.catch(() => undefined)
      // oxlint-disable-next-line no-await-in-loop -- a piece begins where the one before ends
      while (!stop.signal.aborted && (await step(endpoint, upTo, pause)));
    }
    const now = caughtUp()
    running.set(endpoint, now)
    return now.finally(() => {
      if (running.get(endpoint) === now) running.delete(endpoint)
    })
  }
  /** How many wait for an endpoint: for them nobody rests. */
  const urgent = new Map<string, number>()
  const catchUp = async (endpoint: string): Promise<void> => {
    const change = (by: number) => urgent.set(endpoint, (urgent.get(endpoint) ?? 0) + by)
    change(1)
    try {
      await inTurn(endpoint, nextTurn)
    } finally {
      change(-1)
    }
  }
  const calmly = (endpoint: string, pause: () => Promise<unknown>): Promise<void> =>
    inTurn(endpoint, () => ((urgent.get(endpoint) ?? 0) > 0 ? nextTurn() : pause()))
  const background = waiting({ onGrowth, catchUp: calmly, logger, stop: stop.signal })
  for (const name of behind(reader)) background.expect(name)

  return {
    /** Profiles what there is of an endpoint, and rests meanwhile; with a signal nobody waits longer than until that. */
    calmly: (endpoint: string, signal?: AbortSignal): Promise<void> =>
      wanted(calmly(endpoint, background.paced()), signal),
    profiles: async function* (
      endpoint: string,
      span: { fromMs: number; toMs: number },
    ): AsyncGenerator<HourProfile> {
      await catchUp(endpoint)
      const found = place.get(endpoint) as { id: number } | undefined
      if (found !== undefined) yield* read(found.id, span)
    },
    stop: async (): Promise<void> => {
      stop.abort()
      background.stop()
      await Promise.allSettled(running.values())
    },
  }
}

/** What is waited for, until a signal says that it is not wanted any more. */
async function wanted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const unwanted = Promise.withResolvers<never>()
  const refuse = () => unwanted.reject(signal.reason as Error)
  signal.addEventListener('abort', refuse)
  if (signal.aborted) refuse()
  try {
    return await Promise.race([promise, unwanted.promise])
  } finally {
    signal.removeEventListener('abort', refuse)
  }
}

/** The number of the newest request at an endpoint; 0 when there is none. */
function newestSeq(reader: Connection): (endpoint: string) => number {
  const select = reader
    .prepare(
      `select max(coalesce((select max(seq) from batches where endpoint = e.id), 0),
         coalesce((select max(last_seq) from blocks where endpoint = e.id), 0)) from endpoints e where name = ?`,
    )
    .pluck()
  return (endpoint) => (select.get(endpoint) as number | undefined) ?? 0
}

function hasRoom({ rows, hours }: HourCounter): boolean {
  return rows < ROWS_MAX && hours.size < HOURS_MAX
}

/** Endpoints of which some rows are in no profile. */
function behind(reader: Connection): string[] {
  return reader
    .prepare(
      `select name from endpoints e where exists (select 1 from batches b where b.endpoint = e.id and b.seq > e.profiled_seq)
         or exists (select 1 from blocks b where b.endpoint = e.id and b.last_seq > e.profiled_seq)`,
    )
    .pluck()
    .all() as string[]
}

/** Writes hours with what they had before. */
function hourWriter({ reader, commit }: Dependencies) {
  const find = reader.prepare(
    'select * from profiles where endpoint = ? and hour = ? and revision = ? and model_version = ?',
  )
  const whole = (endpoint: number, added: Hour): Hour => {
    const { hour, revision, modelVersion } = added
    const row = find.get(endpoint, hour, revision, modelVersion) as ProfileRow | undefined
    if (row === undefined) return added
    const before = hourIn(row)
    mergeHour(before, added)
    return before
  }
  return async (
    endpoint: number,
    hours: ReadonlyMap<string, Hour>,
    { after, upTo }: { after: number; upTo: number },
  ): Promise<void> => {
    const rows: (Hour & { body: Buffer })[] = []
    for (const added of hours.values()) {
      const hour = whole(endpoint, added)
      rows.push({ ...hour, body: bodyOf(hour) })
      // oxlint-disable-next-line no-await-in-loop -- others have their turn between two hours
      await nextTurn()
    }
    await commit((writer) => {
      // Nobody else profiles this log; a row that were added twice could not be taken out again.
      const moved = writer
        .prepare('update endpoints set profiled_seq = ? where id = ? and profiled_seq = ?')
        .run(upTo, endpoint, after)
      if (moved.changes === 0) throw new Error('the log was profiled by somebody else')
      const save = writer.prepare(
        `insert into profiles (endpoint, hour, revision, model_version, rows, body) values (?, ?, ?, ?, ?, ?)
         on conflict do update set rows = excluded.rows, body = excluded.body`,
      )
      for (const { hour, revision, modelVersion, rows: count, body } of rows)
        save.run(endpoint, hour, revision, modelVersion, count, body)
    })
  }
}

/** Has endpoints profiled some time after they grew, and rests meanwhile, so that answers come first. */
function waiting({
  onGrowth,
  catchUp,
  logger,
  stop,
}: Pick<Dependencies, 'onGrowth' | 'logger'> & {
  catchUp: (endpoint: string, pause: () => Promise<unknown>) => Promise<void>
  stop: AbortSignal
}) {
  const timers = new Map<string, NodeJS.Timeout>()
  const spare = spareProcessors()
  let turn = Promise.resolve()
  const paced = () => {
    let startedMs = performance.now()
    return async () => {
      const ms = restMs(performance.now() - startedMs, {
        spareProcessors: spare(),
        filesWaiting: 0,
      })
      await rest(ms, stop)
      startedMs = performance.now()
    }
  }
  const profile = async (endpoint: string): Promise<void> => {
    try {
      await catchUp(endpoint, paced())
    } catch (error) {
      if (!stop.aborted)
        logger?.error({ endpoint, error: messageOf(error) }, 'predictions cannot be profiled')
    }
  }
  const expect = (endpoint: string): void => {
    if (timers.has(endpoint) || stop.aborted) return
    const timer = setTimeout(() => {
      timers.delete(endpoint)
      turn = turn.then(() => profile(endpoint))
    }, WAIT_MS)
    timer.unref()
    timers.set(endpoint, timer)
  }
  const ignore = onGrowth(expect)
  return {
    expect,
    paced,
    stop: (): void => {
      ignore()
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

function rest(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    // Somebody may wait for what comes after, and nothing else may keep the process.
    const timer = setTimeout(done, ms)
    stop.addEventListener('abort', done)
  })
}
