import { modelPythons } from '#executors/environment/model'
import type { Runtime } from '#inference'
import { onnxRuntime } from '#runtimes/onnx/index'
import { pythonRuntime } from '#runtimes/python/index'
import { openProjectLock } from '#stores/dvc/lock'
import { systemClock } from '#base/clock'
import type { Logger } from '#base/logger'
import { invariant } from '#base/invariant'
import type { Config } from './config.ts'
import { environment } from './environment.ts'

/** What models of Python may see of the server's environment: where things are, and nothing secret. */
const SEEN = [
  'PATH',
  'TZ',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'NVIDIA_VISIBLE_DEVICES',
  'SSL_CERT_FILE',
]

/** Runs each model by what it is. */
export function modelRuntimes(
  config: Pick<Config, 'environments' | 'modelMemoryBytesMax' | 'modelPython'> & {
    servingProcesses?: number
  },
  logger: Logger,
): Runtime {
  const { modelMemoryBytesMax: memoryBytesMax, modelPython } = config
  const { servingProcesses: hostsMax } = config
  const hosts = hostsMax === undefined ? {} : { hostsMax }
  const onnx = onnxRuntime({ logger, memoryBytesMax, ...hosts })
  const build = modelPythons({
    folder: config.environments,
    environment,
    lockAt: (file) =>
      openProjectLock(file, { waitSeconds: 3600, holder: 'another builder of this environment' }),
    nowMs: () => systemClock.nowMs(),
  })
  const python = pythonRuntime({
    logger,
    memoryBytesMax,
    pythonFor: modelPython === '' ? build : async () => modelPython,
    variables: Object.fromEntries(SEEN.map((name) => [name, environment[name]])),
  })
  return {
    start: (options) => {
      const runs = new Set(options.models.map((model) => model.runs ?? 'onnx'))
      invariant(runs.size === 1, 'models of one process are run alike')
      return (runs.has('python') ? python : onnx).start(options)
    },
  }
}
