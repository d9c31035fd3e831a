import type { Logger } from '#base/logger'
import type { Runtime } from '#inference'
import { incarnate } from './incarnation.ts'
import { supervise } from './supervise.ts'

const MEMORY_BYTES_MAX = 4 * 1024 ** 3

/** ONNX Runtime in serving processes of its own, forked from this one and supervised. */
export function onnxRuntime({
  logger,
  memoryBytesMax = MEMORY_BYTES_MAX,
}: {
  logger: Logger
  /** What one of its processes may take. */
  memoryBytesMax?: number
}): Runtime {
  return {
    start: (options) =>
      supervise(options, {
        logger,
        incarnate: (name, models) => incarnate(name, models, memoryBytesMax),
      }),
  }
}
