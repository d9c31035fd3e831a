import { invariant } from '#base/invariant'
import { Problem } from '#base/problem'
import type { Logger } from '#base/logger'
import type { PredictionRequest } from '../request.ts'
import type { Revision } from '../revision.ts'
import {
  asManyAsTaken,
  columnsOf,
  feedsOfRows,
  inputsOf,
  planFeeds,
  rowsOfExample,
  type FeedPlan,
  type Rows,
} from '../rows/feeds.ts'
import type { LoggedRevision } from '../journal.ts'
import type { Meters } from '../meters/meters.ts'
import { versionName, type ServableModel } from '../model-source.ts'
import type { InferOptions, ModelRun, Outputs, Runtime, ServingProcess } from '../runtime.ts'
import { paramsFor } from '../rows/params.ts'
import type { PlacedRevision } from '../table.ts'
import { rowCount, type ModelShape, type Tensor, type Value } from '../tensor.ts'

/** A revision that is loaded and answers, in a process of its own. */
export interface Deployed {
  readonly revision: Revision
  readonly logged: LoggedRevision
  readonly shape: ModelShape
  readonly plan: FeedPlan
  readonly servable: ServableModel
  readonly process: ServingProcess
  /** Throws `timeout` when it has not answered so many milliseconds from now. */
  infer(
    feeds: readonly Tensor[],
    params?: PredictionRequest['params'],
    deadlineMs?: number,
    onRun?: InferOptions['onRun'],
  ): Promise<Outputs>
  /** Keeps the process up until `release` is called as often. */
  hold(): void
  release(): void
  /** Waits until nobody holds it, then ends the process. */
  retire(): Promise<void>
}

/** A shadow has this share of the time that a live model has. */
const SHADOW_TIME_SHARE = 0.25

/** Loads a revision into a new process and has it answer once. Throws when it does not. */
export async function deploy(
  world: { runtime: Runtime; timeoutMs: number; logger: Logger; meters?: Meters },
  placed: PlacedRevision,
  told: Pick<Parameters<Runtime['start']>[0], 'onRestart' | 'onProgress'>,
): Promise<Deployed> {
  const { runtime, timeoutMs, logger } = world
  const { revision, files } = placed
  const key = versionName(revision)
  const process = await runtime.start({
    name: `endpoint ${revision.endpoint}`,
    models: [{ ...files, key, optional: false }],
    timeoutMs,
    ...told,
  })
  try {
    const deployed = deployedIn(process, placed, world)
    await warmUp(deployed, timeoutMs, logger)
    return deployed
  } catch (error) {
    await process.stop()
    throw error
  }
}

function deployedIn(
  process: ServingProcess,
  { revision, servable }: PlacedRevision,
  { timeoutMs, meters }: { timeoutMs: number; meters?: Meters },
): Deployed {
  const key = versionName(revision)
  const shape = process.shapes.get(key)
  invariant(shape !== undefined, 'a process that started holds what it must')
  const { role } = revision
  const limitMs = role === 'live' ? timeoutMs : Math.ceil(timeoutMs * SHADOW_TIME_SHARE)
  const onRun = meters?.runsOf(revision, key)
  const options: InferOptions = { role, timeoutMs: limitMs, onRun }
  return {
    revision,
    shape,
    plan: planFeeds(shape, servable.columns, servable.tensors),
    servable,
    process,
    logged: {
      number: revision.number,
      role,
      modelVersion: key,
      outputs: shape.outputs.map(({ name, type }) => ({ name, type })),
    },
    infer: async (feeds, sent, deadlineMs, alsoOnRun) => {
      const params = paramsFor(servable.params, sent)
      if (params === undefined && deadlineMs === undefined && alsoOnRun === undefined)
        return process.infer(key, feeds, options)
      return process.infer(key, feeds, {
        ...options,
        ...(params === undefined ? {} : { params }),
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
        ...(alsoOnRun === undefined ? {} : { onRun: both(onRun, alsoOnRun) }),
      })
    },
    ...holding(process),
  }
}

/**
 * Has the model answer once before anybody waits for it. One that refuses its own example is refused;
 * one that refuses a made-up row may have good reasons.
 */
async function warmUp(
  { plan, process, servable, logged }: Deployed,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  const { example } = servable
  // Nobody has asked this, so that it counts nowhere.
  const options: InferOptions = { role: logged.role, timeoutMs }
  const params = paramsFor(servable.params, undefined)
  const isGiven = example !== null && example.rows.length > 0
  try {
    const tried = isGiven ? rowsOfExample(plan, example) : madeUpRows(plan)
    const feeds = feedsOfRows(plan, tried)
    const rows = tried.rows.length
    const asked = params === undefined ? options : { ...options, params }
    checkRows(await process.infer(logged.modelVersion, feeds, asked), rows, logged.modelVersion)
  } catch (error) {
    if (isGiven || !(error instanceof Problem) || error.code !== 'invalid') throw error
    logger.info({ model: logged.modelVersion, reason: error.message }, 'no warm-up: no example')
  }
}

/** Throws unless every output has a value for each row. */
export function checkRows(outputs: Outputs, rows: number, model: string): void {
  // What is no table is the answer to the request as a whole.
  if (outputs.form === 'json') return
  const odd = outputs.find((output) => output.shape.length === 0 || rowCount(output) !== rows)
  if (odd !== undefined)
    throw new Problem(
      'unsupported',
      `output ${odd.name} of model ${model} has the shape [${odd.shape.join(', ')}] for ${rows} rows; only outputs with one value or list for each row are served`,
    )
}

/** A model may say of itself what it likes; nothing is made up that is larger. */
const MADE_UP_VALUES_MAX = 1_000_000

/** A row of zeros and empty texts, or as many as the model takes. Throws `invalid` when they would be too many. */
export function madeUpRows(plan: FeedPlan): Rows {
  const inputs = inputsOf(plan)
  const values = inputs.reduce(
    (sum, { shape }) => sum + shape.reduce<number>((product, size) => product * (size ?? 1), 1),
    0,
  )
  if (values > MADE_UP_VALUES_MAX)
    throw new Problem(
      'invalid',
      `the model takes ${values} values at once, too many to make some up; log it with an input example`,
    )
  return asManyAsTaken(plan, madeUpRow(plan))
}

function madeUpRow(plan: FeedPlan): { columns: string[]; rows: Value[][] } {
  const columns = columnsOf(plan)
  if (columns !== null && plan.form === 'matrix')
    return { columns: columns.map(({ name }) => name), rows: [columns.map(() => 0)] }
  if (plan.form === 'matrix') {
    const names = Array.from({ length: plan.input.shape[1] ?? 1 }, (_, index) => String(index))
    return { columns: names, rows: [names.map(() => 0)] }
  }
  return {
    columns: plan.inputs.map(({ column }) => column.name),
    rows: [
      plan.inputs.map(({ input, column }) =>
        filled(
          input.shape.slice(1).map((size) => size ?? 1),
          emptyValue(column.type),
        ),
      ),
    ],
  }
}

function filled(shape: readonly number[], value: Value): Value {
  if (shape.every((size) => size === 1)) return value
  const [size = 1, ...rest] = shape
  return Array.from({ length: size }, () => (rest.length === 0 ? value : filled(rest, value)))
}

function emptyValue(type: string): Value {
  if (type === 'string' || type === 'binary' || type === 'datetime') return ''
  return type === 'boolean' ? false : 0
}

function both(one: InferOptions['onRun'], other: NonNullable<InferOptions['onRun']>) {
  return (run: ModelRun) => {
    one?.(run)
    other(run)
  }
}

function holding(process: ServingProcess): Pick<Deployed, 'hold' | 'release' | 'retire'> {
  let holders = 0
  let onFree: (() => void) | undefined
  return {
    hold: () => {
      holders += 1
    },
    release: () => {
      holders -= 1
      if (holders === 0) onFree?.()
    },
    retire: async () => {
      if (holders > 0)
        await new Promise<void>((resolve) => {
          onFree = resolve
        })
      await process.stop()
    },
  }
}
