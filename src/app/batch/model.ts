import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import type { Logger } from '#base/logger'
import {
  createPlane,
  type Described,
  type Journal,
  type PlacedRevision,
  type PredictionAnswer,
  type Runtime,
  type Value,
} from '#inference'

/** A model that answers rows on this machine. */
export interface LocalModel {
  readonly described: Described
  predict(
    columns: readonly string[],
    rows: readonly (readonly Value[])[],
  ): Promise<PredictionAnswer>
  stop(): Promise<void>
}

/** Loads a model into a process of its own. Throws when it cannot be loaded. */
export async function loadModel(
  placed: PlacedRevision,
  world: { runtime: Runtime; logger: Logger; timeoutMs: number },
): Promise<LocalModel> {
  const plane = createPlane({
    ...world,
    log: NOTHING_KEPT,
    clock: systemClock,
    ids: randomIds,
    draws: () => 0,
    onRestart: (endpoint, reason) =>
      world.logger.warn({ endpoint, reason }, 'the model was started again'),
    onChange: () => undefined,
  })
  const { endpoint: name, number: revision, version } = placed.revision
  try {
    const table = {
      name,
      monitor: null,
      log: { mode: 'fast' as const, sample: 0, redact: [], drop_inputs: true },
      routing: {
        endpoint: name,
        revisions: [{ revision, version, weight: 1 }],
        shadows: [],
        override: 'refused' as const,
      },
      revisions: [placed],
      labels: {},
      failure: null,
    }
    await plane.prepare(table)
    await plane.tell(table)
    await plane.complete()
    return {
      described: await plane.describe(name),
      predict: (columns, rows) => plane.predict(name, { input: { form: 'rows', columns, rows } }),
      stop: plane.stop,
    }
  } catch (error) {
    await plane.stop()
    throw error
  }
}

const NOTHING_KEPT: Journal = {
  append: async () => undefined,
  appendLate: async () => undefined,
  skip: () => undefined,
  findBatch: async () => undefined,
}
