import type { Runtime } from '#inference'
import { onnxRuntime } from '#runtimes/onnx/index'
import type { Logger } from '#base/logger'
import { invariant } from '#base/invariant'
import type { Config } from '../settings/config.ts'

/** Runs each model by what it is. */
export function modelRuntimes(
  config: Pick<Config, 'environments' | 'modelMemoryBytesMax' | 'modelPython'> & {
    servingProcesses?: number
  },
  logger: Logger,
): Runtime {
  const { modelMemoryBytesMax: memoryBytesMax, servingProcesses: hostsMax } = config
  const hosts = hostsMax === undefined ? {} : { hostsMax }
  const onnx = onnxRuntime({ logger, memoryBytesMax, ...hosts })
  let python: Promise<Runtime> | undefined
  // Read when it is needed first: what starts without a model of Python answers sooner.
  const begunPython = () => {
    python ??= import('./python-runtime.ts').then(({ modelPythonRuntime }) =>
      modelPythonRuntime(config, logger),
    )
    return python
  }
  return {
    start: async (options) => {
      const runs = new Set(options.models.map((model) => model.runs ?? 'onnx'))
      invariant(runs.size === 1, 'models of one process are run alike')
      return (runs.has('python') ? await begunPython() : onnx).start(options)
    },
  }
}
