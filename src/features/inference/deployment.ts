import { Problem } from '#base/problem'
import type { Logger } from '#base/logger'
import type { Revision } from './revision.ts'
import { columnsOf, feedsOfRows, planFeeds, type FeedPlan } from './feeds.ts'
import type { LoggedRevision } from './journal.ts'
import { versionName, type ModelSource, type ServableModel } from './model-source.ts'
import type { HeldModel, Runtime, ServingProcess } from './runtime.ts'
import { rowCount, type ModelShape, type Tensor, type Value } from './tensor.ts'

/** A revision that is loaded and answers. */
export interface Deployed {
  readonly revision: Revision
  readonly logged: LoggedRevision
  readonly shape: ModelShape
  readonly plan: FeedPlan
  readonly servable: ServableModel
  infer(feeds: readonly Tensor[]): Promise<Tensor[]>
}

/** All that serves at an endpoint between two rollouts, in a process of its own. */
export interface Deployment {
  readonly live: Deployed
  readonly shadows: readonly Deployed[]
  readonly process: ServingProcess
  /** Keeps the process up until the returned function is called. */
  hold(): () => void
  /** Waits until nobody holds it, then ends the process. */
  retire(): Promise<void>
}

/** A shadow has this share of the time that a live model has; whoever waits behind it waits no longer. */
const SHADOW_TIME_SHARE = 0.25

export interface Candidate {
  readonly revision: Revision
  readonly servable: ServableModel
}

/**
 * Loads the revisions into a new process and warms them up. Throws when the live one does not load or does
 * not answer; a shadow that does not is left out.
 */
export async function deploy(
  world: { runtime: Runtime; models: ModelSource; timeoutMs: number; logger: Logger },
  parts: { live: Candidate; shadows: readonly Candidate[]; onRestart: (reason: string) => void },
): Promise<Deployment> {
  const { runtime, models, timeoutMs, logger } = world
  const { live, shadows, onRestart } = parts
  const held = await heldModels(models, live, shadows, logger)
  const process = await runtime.start({
    name: `endpoint ${live.revision.endpoint}`,
    models: held,
    timeoutMs,
    onRestart,
  })
  const deployed = (candidate: Candidate) => deployedIn(process, candidate, timeoutMs)
  try {
    const answering = deployed(live)
    await warmUp(answering, live.servable, logger)
    const following: Deployed[] = []
    for (const shadow of shadows) {
      try {
        const follower = deployed(shadow)
        await warmUp(follower, shadow.servable, logger)
        following.push(follower)
      } catch (error) {
        logger.warn({ model: versionName(shadow.revision), error }, 'a shadow is left out')
      }
    }
    return { live: answering, shadows: following, process, ...holding(process) }
  } catch (error) {
    await process.stop()
    throw error
  }
}

async function heldModels(
  models: ModelSource,
  live: Candidate,
  shadows: readonly Candidate[],
  logger: Logger,
): Promise<HeldModel[]> {
  const held = [await heldModel(models, live, false)]
  for (const shadow of shadows) {
    if (held.some(({ key }) => key === versionName(shadow.revision))) continue
    try {
      held.push(await heldModel(models, shadow, true))
    } catch (error) {
      logger.warn({ model: versionName(shadow.revision), error }, 'a shadow cannot be placed')
    }
  }
  return held
}

async function heldModel(
  models: ModelSource,
  { revision: { model, version } }: Candidate,
  optional: boolean,
): Promise<HeldModel> {
  return {
    key: versionName({ model, version }),
    path: await models.place(model, version),
    optional,
  }
}

function deployedIn(
  process: ServingProcess,
  { revision, servable }: Candidate,
  timeoutMs: number,
): Deployed {
  const key = versionName(revision)
  const shape = process.shapes.get(key)
  if (shape === undefined)
    throw new Problem('invalid', `model ${key} cannot be loaded: ${process.failures.get(key)}`)
  const { role } = revision
  const limitMs = role === 'live' ? timeoutMs : Math.ceil(timeoutMs * SHADOW_TIME_SHARE)
  return {
    revision,
    shape,
    plan: planFeeds(shape, servable.columns),
    servable,
    logged: {
      number: revision.number,
      role,
      modelVersion: key,
      outputs: shape.outputs.map(({ name, type }) => ({ name, type })),
    },
    infer: (feeds) => process.infer(key, feeds, { role, timeoutMs: limitMs }),
  }
}

/**
 * Has the model answer once before anybody waits for it. One that refuses its own example is refused;
 * one that refuses a made-up row may have good reasons.
 */
async function warmUp(
  { plan, infer, logged }: Deployed,
  { example }: ServableModel,
  logger: Logger,
): Promise<void> {
  const given = example !== null && example.rows.length > 0 ? example : undefined
  try {
    const feeds = feedsOfRows(plan, given ?? madeUpRow(plan))
    const rows = given?.rows.length ?? 1
    checkRows(await infer(feeds), rows, logged.modelVersion)
  } catch (error) {
    if (given !== undefined || !(error instanceof Problem) || error.code !== 'invalid') throw error
    logger.info({ model: logged.modelVersion, reason: error.message }, 'no warm-up: no example')
  }
}

/** Throws unless every output has a value for each row. */
export function checkRows(outputs: readonly Tensor[], rows: number, model: string): void {
  const odd = outputs.find((output) => output.shape.length === 0 || rowCount(output) !== rows)
  if (odd !== undefined)
    throw new Problem(
      'unsupported',
      `output ${odd.name} of model ${model} has the shape [${odd.shape.join(', ')}] for ${rows} rows; only outputs with one value or list for each row are served`,
    )
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

function holding(process: ServingProcess): Pick<Deployment, 'hold' | 'retire'> {
  let holders = 0
  let onFree: (() => void) | undefined
  return {
    hold: () => {
      holders += 1
      return () => {
        holders -= 1
        if (holders === 0) onFree?.()
      }
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
