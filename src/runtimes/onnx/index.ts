import type { Logger } from '#base/logger'
import type { Runtime } from '#inference'
import { incarnate } from './incarnation.ts'
import { supervise } from './supervise.ts'

/** ONNX Runtime in serving processes of its own, forked from this one and supervised. */
export function onnxRuntime({ logger }: { logger: Logger }): Runtime {
  return { start: (options) => supervise(options, { logger, incarnate }) }
}
