import { pino } from 'pino'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import {
  createPlane,
  type Journal,
  type LocalPlane,
  type LoggedBatch,
  type PlacedFiles,
  type Runtime,
  type ServableModel,
} from '#inference'
import { onnxRuntime } from '#runtimes/onnx/index'

/** A model version that a plane is to answer with, under its own name. */
export interface PlacedModel {
  readonly servable: ServableModel
  readonly files: PlacedFiles
}

/** What answers predictions, without a server around it: it has been told these models, and keeps its log in memory. */
export async function openPlane(
  models: readonly PlacedModel[],
  runtime: Runtime = onnxRuntime({ logger: pino({ level: 'silent' }) }),
): Promise<{ plane: LocalPlane; logged: readonly LoggedBatch[] }> {
  const logged: LoggedBatch[] = []
  const plane = createPlane({
    clock: systemClock,
    ids: randomIds,
    log: journalIn(logged),
    runtime,
    logger: pino({ level: 'silent' }),
    timeoutMs: 20_000,
    draws: () => 0.5,
    onRestart: () => undefined,
    onChange: () => undefined,
  })
  for (const model of models) {
    const table = tableOf(model)
    await plane.prepare(table)
    await plane.tell(table)
  }
  await plane.complete()
  return { plane, logged }
}

function tableOf({ servable, files }: PlacedModel) {
  const { model, version, digest } = servable
  const revision = { endpoint: model, number: 1, role: 'live', model, version, digest } as const
  return {
    name: model,
    monitor: null,
    routing: {
      endpoint: model,
      revisions: [{ revision: 1, version, weight: 1 }],
      shadows: [],
      override: 'allowed',
    },
    revisions: [{ servable, files, revision: { ...revision, createdMs: 0 } }],
    labels: {},
    failure: null,
  } as const
}

function journalIn(logged: LoggedBatch[]): Journal {
  return {
    append: async (batch) => void logged.push(batch),
    appendLate: async () => undefined,
    findBatch: async () => undefined,
    skip: () => undefined,
  }
}
