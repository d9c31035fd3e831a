import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { PredictionAnswer } from './answer.ts'
import { feedsOf, identityOf, type Identity } from './asked.ts'
import { checkRows } from './models/deployment.ts'
import { eventsOf } from './rows/event.ts'
import { sooner } from './routing/headers.ts'
import { isLogged } from './log-policy.ts'
import type { Journal, LoggedRevision, RecordedBatch } from './journal.ts'
import { loggedBatch } from './logged-batch.ts'
import type { Outputs } from './runtime.ts'
import type { PredictionRequest } from './request.ts'
import type { Shadowing } from './shadows.ts'
import type { Taken } from './taken.ts'
import {
  rowCount,
  tensorOfRows,
  type Scalar,
  type Tensor,
  type TensorType,
  type Value,
} from './tensor.ts'

interface Dependencies {
  readonly endpoints: {
    /** Throws `not-found`. */
    known(name: string): Promise<void>
    /** Waits while it is being loaded. Throws `not-found`, or `unavailable` while nothing could answer. */
    take(name: string, request: PredictionRequest): Taken | Promise<Taken>
  }
  readonly log: Journal
  readonly clock: Clock
  readonly ids: Ids
  readonly shadowing: Shadowing
  readonly onAnswer: (taken: Taken, answered: Answered) => void
}

/** Told of each request that a revision was asked. */
export interface Answered {
  readonly atMs: number
  readonly tookMs: number
  /** Rows answered; none if it failed. */
  readonly rows: number
  readonly failed: boolean
  readonly outputs?: readonly Tensor[] | undefined
  readonly error?: unknown
}

/** Makes the function that answers: from the request to the logged prediction. */
export function createPredict(
  dependencies: Dependencies,
): (name: string, request: PredictionRequest) => Promise<PredictionAnswer> {
  const { endpoints, log, ids } = dependencies
  const answer = answerer(dependencies)
  const underWay = new Map<string, { digest: string; answer: Promise<PredictionAnswer> }>()

  const answerOnce = async (
    name: string,
    id: Identity & { digest: string },
    request: PredictionRequest,
  ) => {
    // An endpoint that is not there is said before anything else.
    await endpoints.known(name)
    const recorded = await log.findBatch(id.batch)
    if (recorded === undefined) return answer(name, id, request)
    if (recorded.digest !== id.digest) throw otherRequest(id.batch)
    return recordedAnswer(recorded)
  }

  return async (name, request) => {
    if (request.id === undefined) return answer(name, { batch: ids.ulid(), digest: null }, request)
    const id = identityOf(name, request.id, request)
    const twin = underWay.get(id.batch)
    if (twin !== undefined) {
      if (twin.digest !== id.digest) throw otherRequest(id.batch)
      return twin.answer
    }
    const answering = answerOnce(name, id, request).finally(() => underWay.delete(id.batch))
    underWay.set(id.batch, { digest: id.digest, answer: answering })
    return answering
  }
}

function otherRequest(batch: string): Problem {
  return new Problem(
    'conflict',
    `the request id ${batch} was used for another request; choose a new id for each request`,
  )
}

function answerer({ endpoints, log, clock, shadowing, onAnswer }: Dependencies) {
  return async (
    name: string,
    id: Identity,
    request: PredictionRequest,
  ): Promise<PredictionAnswer> => {
    const atMs = clock.nowMs()
    const startedMs = performance.now()
    const found = endpoints.take(name, request)
    const taken = found instanceof Promise ? await found : found
    const { live } = taken
    let rows = 0
    let answered: Outputs | undefined
    let failure: unknown
    live.hold()
    try {
      const { feeds, sent } = feedsOf(live, request)
      const events = eventsOf(sent, taken.table.monitor, atMs)
      const outputs = await live.infer(
        feeds,
        request.params,
        leftMs(sooner(request.deadlineMs, taken.table.settings?.timeoutMs), startedMs),
        request.onRun,
      )
      const count = sent.matrix === undefined ? sent.rows.length : rowCount(sent.matrix)
      checkRows(outputs, count, live.logged.modelVersion)
      const times = { atMs, latencyMs: hundredths(performance.now() - startedMs) }
      const policy = taken.table.log ?? null
      const logged = isLogged(policy, id.batch)
      if (logged) {
        const batch = loggedBatch(taken, { id, sent, events, outputs, ...times })
        await log.append(batch, { durable: policy?.mode === 'durable' })
      } else log.skip(name, count, atMs)
      rows = count
      answered = outputs
      if (logged && taken.shadows.length > 0)
        shadowing.ask(taken.shadows, { batch: id.batch, request, rows })
      return answerIn(id.batch, live.logged, rows, outputs)
    } catch (error) {
      failure = error
      throw error
    } finally {
      live.release()
      const tookMs = performance.now() - startedMs
      const failed = failure !== undefined
      onAnswer(taken, { atMs, tookMs, rows, failed, outputs: answered, error: failure })
    }
  }
}

/** How long the caller still waits. Throws `timeout` when that is over. */
function leftMs(deadlineMs: number | undefined, startedMs: number): number | undefined {
  if (deadlineMs === undefined) return undefined
  const left = deadlineMs - (performance.now() - startedMs)
  if (left > 0) return left
  throw new Problem(
    'timeout',
    `the deadline of ${deadlineMs} ms was over before the model was asked; try again, or wait longer`,
  )
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100
}

function answerIn(
  batch: string,
  { number: revision, modelVersion }: LoggedRevision,
  rows: number,
  outputs: Outputs,
): PredictionAnswer {
  const { form } = outputs
  return form === undefined
    ? { batch, revision, modelVersion, rows, outputs }
    : { batch, revision, modelVersion, rows, outputs, form }
}

function recordedAnswer(batch: RecordedBatch): PredictionAnswer {
  const { number, modelVersion, outputs } = batch.revision
  return {
    batch: batch.id,
    revision: number,
    modelVersion,
    ...(batch.form === undefined ? {} : { form: batch.form }),
    rows: batch.rows,
    outputs: outputs.map((output, index) =>
      tensorOfRows(
        output,
        (batch.outputs[index] ?? []).map((value) => restored(output.type, value)),
      ),
    ),
  }
}

/** A value of the log as the model gave it: whole numbers beyond 2^53 are texts there. */
function restored(type: TensorType, value: unknown): Value {
  if (Array.isArray(value)) return value.map((each) => restored(type, each))
  return type.endsWith('int64') && typeof value === 'string' ? BigInt(value) : (value as Scalar)
}
