import type { Clock } from '#base/clock'
import { sha256 } from '#base/digest'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { checkRows, type Deployed } from './deployment.ts'
import type { Endpoint } from './endpoint.ts'
import { within, type Endpoints, type Taken } from './endpoints.ts'
import { eventsOf } from './event.ts'
import {
  columnsOf,
  feedsOfRows,
  feedsOfTensors,
  namedRows,
  typedRows,
  type FeedPlan,
  type Rows,
} from './feeds.ts'
import type { LoggedRevision, NewAnswer, NewBatch, PredictionLog, RecordedBatch } from './log.ts'
import {
  rowsOf,
  tensorOfRows,
  type Scalar,
  type Tensor,
  type TensorType,
  type Value,
} from './tensor.ts'

export interface PredictionRequest {
  /** The caller's own name for the request: sent again, it gets the same answer and is logged once. */
  readonly id?: string
  readonly input:
    | ({ readonly form: 'rows' } & Rows)
    /** Without column names, in the order in which the model reads its columns. */
    | { readonly form: 'unnamed'; readonly rows: readonly Value[] }
    /** As CSV has them: every value is a text. */
    | {
        readonly form: 'texts'
        readonly columns: readonly string[]
        readonly rows: readonly (readonly string[])[]
      }
    | { readonly form: 'tensors'; readonly tensors: readonly Tensor[] }
}

export interface PredictionAnswer {
  /** Name of the request; `<batch>-<row>` names the prediction for a row, counted from 0. */
  readonly batch: string
  readonly revision: number
  /** `flights-late/3` */
  readonly modelVersion: string
  readonly rows: number
  readonly outputs: readonly Tensor[]
}

/** How long an answer waits for shadows after the live model has answered; later ones are logged by themselves. */
const SHADOW_GRACE_MS = 100

const REQUEST_ID = /^[\w.:@/+=-]{1,200}$/

export function predictionId(batch: string, row: number): string {
  return `${batch}-${row}`
}

/** Makes the function that answers: from the request to the logged prediction. */
export function createPredict(dependencies: {
  endpoints: Endpoints
  log: PredictionLog
  clock: Clock
  ids: Ids
  logger: Logger
  onAnswer: (endpoint: string, answered: { atMs: number; tookMs: number; rows: number }) => void
}): (name: string, request: PredictionRequest) => Promise<PredictionAnswer> {
  const { endpoints, log, clock, ids, logger, onAnswer } = dependencies
  const underWay = new Map<string, { digest: string; answer: Promise<PredictionAnswer> }>()

  const answer = async (name: string, id: Identity, request: PredictionRequest) => {
    const atMs = clock.nowMs()
    const startedMs = performance.now()
    const taken = await endpoints.take(name)
    try {
      const { batch, outputs, late } = await inferred(taken, { id, request, atMs, logger })
      await log.append(batch)
      void late
        .then((answers) => (answers.length > 0 ? log.appendLate(id.batch, answers) : undefined))
        .catch((error: unknown) =>
          logger.warn({ error: messageOf(error) }, 'a late shadow was not logged'),
        )
      const { revision, logged } = taken.deployment.live
      const rows = batch.rows.length
      onAnswer(name, { atMs, tookMs: performance.now() - startedMs, rows })
      return {
        batch: id.batch,
        revision: revision.number,
        modelVersion: logged.modelVersion,
        rows,
        outputs,
      }
    } finally {
      taken.release()
    }
  }

  const answerOnce = async (
    name: string,
    id: Identity & { digest: string },
    request: PredictionRequest,
  ) => {
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
    // An endpoint that is not there is said before anything else.
    const answering = endpoints
      .get(name)
      .then(() => answerOnce(name, id, request))
      .finally(() => underWay.delete(id.batch))
    underWay.set(id.batch, { digest: id.digest, answer: answering })
    return answering
  }
}

interface Identity {
  readonly batch: string
  readonly digest: string | null
}

function identityOf(
  endpoint: string,
  batch: string,
  { input }: PredictionRequest,
): Identity & { digest: string } {
  if (!REQUEST_ID.test(batch))
    throw new Problem(
      'invalid',
      'a request id has 1 to 200 letters, digits and . _ : @ / + = - and nothing else; send another or none',
    )
  const asked =
    input.form === 'tensors'
      ? input.tensors.map(({ name, type, shape, data }) => [name, type, shape, [...data]])
      : [input.form === 'unnamed' ? null : input.columns, input.rows]
  const text = JSON.stringify([endpoint, input.form, asked], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return { batch, digest: sha256(text) }
}

function otherRequest(batch: string): Problem {
  return new Problem(
    'conflict',
    `the request id ${batch} was used for another request; choose a new id for each request`,
  )
}

/** Asks the live revision and its shadows, and puts together what is logged. */
async function inferred(
  { endpoint, deployment }: Taken,
  context: { id: Identity; request: PredictionRequest; atMs: number; logger: Logger },
) {
  const { id, request, atMs, logger } = context
  const { live } = deployment
  const { feeds, sent } = feedsOf(live, request)
  const events = eventsOf(sent, endpoint.monitor, atMs)
  const asked = live.infer(feeds)
  const shadows = deployment.shadows.map((shadow) =>
    shadowAnswer(shadow, { live, asked, request, rows: sent.rows.length, logger }),
  )
  const outputs = await asked
  checkRows(outputs, sent.rows.length, live.logged.modelVersion)
  const inTime: NewAnswer[] = []
  let waiting = true
  const settled = shadows.map((shadow) =>
    shadow.then((answered) => {
      if (answered === undefined) return undefined
      if (!waiting) return answered
      inTime.push(answered)
      return undefined
    }),
  )
  if (settled.length > 0) await within(Promise.all(settled), SHADOW_GRACE_MS)
  waiting = false
  const logged = loggedColumns(sent, endpoint, live)
  const batch: NewBatch = {
    id: id.batch,
    endpoint: endpoint.name,
    digest: id.digest,
    atMs,
    columns: logged.columns,
    rows: logged.rows.map((inputs, row) => ({ ...(events[row] as (typeof events)[0]), inputs })),
    answers: [answerOf(live.logged, outputs), ...inTime],
  }
  const late = Promise.all(settled).then((all) => all.filter((each) => each !== undefined))
  return { batch, outputs, late }
}

function feedsOf(
  deployed: Deployed,
  { input }: PredictionRequest,
): { feeds: Tensor[]; sent: Rows } {
  const { plan } = deployed
  if (input.form === 'tensors') return feedsOfTensors(plan, input.tensors)
  const sent = sentRows(plan, input)
  return { feeds: feedsOfRows(plan, sent), sent }
}

function sentRows(
  plan: FeedPlan,
  input: Exclude<PredictionRequest['input'], { form: 'tensors' }>,
): Rows {
  switch (input.form) {
    case 'rows':
      return input
    case 'unnamed':
      return namedRows(plan, input.rows)
    case 'texts':
      return typedRows(plan, input)
  }
}

function answerOf(revision: LoggedRevision, outputs: readonly Tensor[]): NewAnswer {
  return { revision, outputs: outputs.map(rowsOf) }
}

/** What a shadow says; undefined if it says nothing. It never rejects: nobody but the log asks for it. */
async function shadowAnswer(
  shadow: Deployed,
  context: {
    live: Deployed
    asked: Promise<Tensor[]>
    request: PredictionRequest
    rows: number
    logger: Logger
  },
): Promise<NewAnswer | undefined> {
  const { live, asked, request, rows, logger } = context
  try {
    const same = shadow.logged.modelVersion === live.logged.modelVersion
    // The same model says the same: it is asked once.
    const outputs = same ? await asked : await shadow.infer(feedsOf(shadow, request).feeds)
    checkRows(outputs, rows, shadow.logged.modelVersion)
    return answerOf(shadow.logged, outputs)
  } catch (error) {
    logger.debug({ model: shadow.logged.modelVersion, error: messageOf(error) }, 'a shadow failed')
    return undefined
  }
}

/** The rows without the columns that only the monitor needs: it has them beside the inputs. */
function loggedColumns({ columns, rows }: Rows, { monitor }: Endpoint, live: Deployed): Rows {
  const read = columnsOf(live.plan)?.map(({ name }) => name)
  const dropped = [monitor?.key, monitor?.window.by].filter(
    (name) => name !== undefined && read !== undefined && !read.includes(name),
  )
  const kept = columns.flatMap((name, index) => (dropped.includes(name) ? [] : [index]))
  if (kept.length === columns.length) return { columns, rows }
  return {
    columns: kept.map((index) => columns[index] as string),
    rows: rows.map((row) => kept.map((index) => row[index] ?? null)),
  }
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
