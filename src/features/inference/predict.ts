import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { feedsOf, identityOf, loggedRows, type Identity, type PredictionRequest } from './asked.ts'
import type { MonitorConfig } from '#projects'
import { checkRows, type Deployment } from './deployment.ts'
import { eventsOf } from './event.ts'
import type { Journal, NewAnswer, NewBatch, RecordedBatch } from './journal.ts'
import type { OutputForm } from './runtime.ts'
import { answerOf, askShadows } from './shadows.ts'
import { tensorOfRows, type Scalar, type Tensor, type TensorType, type Value } from './tensor.ts'

export interface PredictionAnswer {
  /** Name of the request; `<batch>-<row>` names the prediction for a row, counted from 0. */
  readonly batch: string
  readonly revision: number
  /** `flights-late/3` */
  readonly modelVersion: string
  readonly rows: number
  readonly outputs: readonly Tensor[]
  /** What a Python model gave its answer as; absent for models that give named tensors. */
  readonly form?: OutputForm
}

export function predictionId(batch: string, row: number): string {
  return `${batch}-${row}`
}

/** What predicting has to know of an endpoint. */
export interface Served {
  readonly name: string
  readonly monitor: MonitorConfig | null
}

/** What serves at an endpoint now, held until `release` is called. */
export interface Taken {
  readonly endpoint: Served
  readonly deployment: Deployment
  readonly release: () => void
}

/** Where endpoints are found. */
export interface Endpoints {
  /** Throws `not-found`. */
  get(name: string): Promise<Served>
  /** Waits while it is being loaded. Throws `not-found`, or `unavailable` while nothing could answer. */
  take(name: string): Promise<Taken>
}

interface Dependencies {
  readonly endpoints: Endpoints
  readonly log: Journal
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly onAnswer: (
    endpoint: string,
    answered: { atMs: number; tookMs: number; rows: number },
  ) => void
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
    await endpoints.get(name)
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

function answerer({ endpoints, log, clock, logger, onAnswer }: Dependencies) {
  const appendLate = (batch: string, late: Promise<NewAnswer[]>) => {
    late
      .then((answers) => (answers.length > 0 ? log.appendLate(batch, answers) : undefined))
      .catch((error: unknown) => {
        logger.warn({ error: messageOf(error) }, 'a late answer of a shadow was not logged')
      })
  }
  return async (
    name: string,
    id: Identity,
    request: PredictionRequest,
  ): Promise<PredictionAnswer> => {
    const atMs = clock.nowMs()
    const startedMs = performance.now()
    const taken = await endpoints.take(name)
    try {
      const { batch, outputs, late } = await inferred(taken, {
        id,
        request,
        atMs,
        startedMs,
        logger,
      })
      await log.append(batch)
      appendLate(id.batch, late)
      const rows = batch.rows.length
      onAnswer(name, { atMs, tookMs: performance.now() - startedMs, rows })
      const { number: revision, modelVersion } = taken.deployment.live.logged
      return { batch: id.batch, revision, modelVersion, rows, outputs }
    } finally {
      taken.release()
    }
  }
}

/** Asks the live revision and its shadows, and puts together what is logged. */
async function inferred(
  { endpoint, deployment }: Taken,
  context: {
    id: Identity
    request: PredictionRequest
    atMs: number
    startedMs: number
    logger: Logger
  },
): Promise<{ batch: NewBatch; outputs: Tensor[]; late: Promise<NewAnswer[]> }> {
  const { id, request, atMs, startedMs, logger } = context
  const { live } = deployment
  const { feeds, sent } = feedsOf(live, request)
  const events = eventsOf(sent, endpoint.monitor, atMs)
  const asked = live.infer(feeds)
  const shadows = askShadows(deployment, { asked, request, rows: sent.rows.length, logger })
  const outputs = await asked
  const latencyMs = Math.round((performance.now() - startedMs) * 100) / 100
  checkRows(outputs, sent.rows.length, live.logged.modelVersion)
  const { columns, rows } = loggedRows(sent, endpoint, live)
  const batch: NewBatch = {
    id: id.batch,
    endpoint: endpoint.name,
    digest: id.digest,
    atMs,
    latencyMs,
    columns,
    rows: events.map(({ eventMs, key }, row) => ({ eventMs, key, inputs: rows[row] ?? [] })),
    answers: [answerOf(live.logged, outputs), ...(await shadows.inTime())],
  }
  return { batch, outputs, late: shadows.late }
}

function recordedAnswer(batch: RecordedBatch): PredictionAnswer {
  const { number, modelVersion, outputs } = batch.revision
  return {
    batch: batch.id,
    revision: number,
    modelVersion,
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
