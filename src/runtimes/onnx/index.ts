import type { Logger } from '#base/logger'
import type { HeldModel, Runtime } from '#inference'
import { sharedHosts } from './hosts.ts'
import { incarnate } from './incarnation.ts'
import { supervise } from './supervise.ts'

const HOSTS_MAX = 8
const MEMORY_BYTES_MAX = 4 * 1024 ** 3

/** ONNX Runtime in serving processes of its own, forked from this one and supervised. */
export function onnxRuntime({
  logger,
  memoryBytesMax = MEMORY_BYTES_MAX,
  hostsMax = HOSTS_MAX,
}: {
  logger: Logger
  /** What one of its processes may take. */
  memoryBytesMax?: number
  /** Processes that small models share. */
  hostsMax?: number
}): Runtime {
  const means = {
    logger,
    incarnate: (name: string, models: readonly HeldModel[]) =>
      incarnate(name, models, memoryBytesMax),
  }
  const share = sharedHosts({
    startHost: (timeoutMs) =>
      supervise({ name: 'shared models', models: [], timeoutMs }, { ...means, deathsMax: 1 }),
    startAlone: (options) => supervise(options, means),
    hostsMax,
  })
  return {
    start: (options) => {
      const [model] = options.models
      return model?.shared === true && options.models.length === 1
        ? share(model, options)
        : supervise(options, means)
    },
  }
}
