import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import { checkRows, type Deployed } from './models/deployment.ts'
import { feedsOf } from './asked.ts'
import type { PredictionRequest } from './request.ts'
import type { Journal, LoggedRevision, NewAnswer } from './journal.ts'
import type { Outputs } from './runtime.ts'
import { shadowRoom } from './shadow-room.ts'
import { rowsOf } from './tensor.ts'
import { loggedRowsOf } from './rows/wide.ts'

/** Requests whose shadows are being asked; those of more are left out. */
const ASKED_MAX = 256

/** What shadows are asked, after the caller has got the live revision's answer. */
export interface ShadowQuestion {
  readonly batch: string
  readonly request: PredictionRequest
  readonly rows: number
}

export interface Shadowing {
  /** Asks shadows what the live revision was asked, and adds to the log what they say. */
  ask(shadows: readonly Deployed[], question: ShadowQuestion): void
  /** Requests whose shadows were left out, for want of room. */
  dropped(): number
  /** Resolves when no shadow is being asked. */
  idle(): Promise<void>
}

/** Asks shadows behind everybody's back: nobody waits for them, and their failures are nobody else's. */
export function createShadowing({
  log,
  logger,
  draws,
}: {
  log: Journal
  logger: Logger
  draws: () => number
}): Shadowing {
  const asking = new Set<Promise<void>>()
  const hasRoom = shadowRoom(draws)
  let left = 0
  const ask = async (shadows: readonly Deployed[], question: ShadowQuestion) => {
    // The live answer goes out first.
    await new Promise(setImmediate)
    const answers = await Promise.all(shadows.map((each) => shadowAnswer(each, question, logger)))
    const given = answers.filter((answer) => answer !== undefined)
    if (given.length === 0) return
    await log.appendLate(question.batch, given).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'what a shadow said was not logged')
    })
  }
  return {
    ask: (shadows, question) => {
      if (asking.size >= ASKED_MAX || !hasRoom()) {
        left += 1
        return
      }
      for (const shadow of shadows) shadow.hold()
      const asked: Promise<void> = ask(shadows, question).finally(() => {
        asking.delete(asked)
        for (const shadow of shadows) shadow.release()
      })
      asking.add(asked)
    },
    dropped: () => left,
    idle: async () => void (await Promise.all(asking)),
  }
}

/** What a shadow says; undefined if it says nothing. */
async function shadowAnswer(
  shadow: Deployed,
  { request, rows }: ShadowQuestion,
  logger: Logger,
): Promise<NewAnswer | undefined> {
  const { modelVersion } = shadow.logged
  try {
    const outputs = await shadow.infer(feedsOf(shadow, request).feeds, request.params)
    checkRows(outputs, rows, modelVersion)
    return answerOf(shadow.logged, outputs, { rows, whole: false })
  } catch (error) {
    logger.debug({ model: modelVersion, error: messageOf(error) }, 'a shadow failed')
    return undefined
  }
}

/** An answer as the log keeps it: whole, where it has to be given again. */
export function answerOf(
  revision: LoggedRevision,
  outputs: Outputs,
  { rows, whole }: { rows: number; whole: boolean },
): NewAnswer {
  const valuesIn = whole ? rowsOf : loggedRowsOf
  if (outputs.form === undefined)
    return { revision, outputs: outputs.map((output) => valuesIn(output)) }
  // A Python model is not held to what it has declared.
  const named = { ...revision, outputs: outputs.map(({ name, type }) => ({ name, type })) }
  const values = outputs.map((output) => valuesIn(output))
  // An answer to the request as a whole stands beside its first row.
  const gaps = Array.from({ length: rows - 1 }, () => null)
  return {
    revision: named,
    outputs: outputs.form === 'json' ? values.map((each) => [...each, ...gaps]) : values,
  }
}
