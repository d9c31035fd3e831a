import type { Runtime } from '#inference'
import { pythonRuntime } from '#runtimes/python/index'
import type { Logger } from '#base/logger'
import type { Config } from '../settings/config.ts'
import { environment } from '../settings/environment.ts'
import { openModelPythons } from './model-pythons.ts'

/** What models of Python may see of the server's environment: where things are, and nothing secret. */
const SEEN = [
  'PATH',
  'TZ',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'NVIDIA_VISIBLE_DEVICES',
  'SSL_CERT_FILE',
]

export function variablesOfModels(): Record<string, string | undefined> {
  return Object.fromEntries(SEEN.map((name) => [name, environment[name]]))
}

/** Runs models of Python, in environments that are built for them or in the one that the settings name. */
export function modelPythonRuntime(
  {
    environments: folder,
    modelMemoryBytesMax: memoryBytesMax,
    modelPython,
  }: Pick<Config, 'environments' | 'modelMemoryBytesMax' | 'modelPython'>,
  logger: Logger,
): Runtime {
  return pythonRuntime({
    logger,
    memoryBytesMax,
    pythonFor: modelPython === '' ? openModelPythons(folder) : async () => modelPython,
    variables: variablesOfModels(),
  })
}
