import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { servableOf, type ModelSource, type Runtime } from '#inference'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import type { ModelVersion } from '#registry'
import { pythonRuntime, type PythonRuntimeOptions } from '#runtimes/python/index'
import { pythonBin } from './python.ts'

/** A registry whose models are the folders in one, as MLflow saves them; each has one version. */
export function savedModels(folder: string): ModelSource {
  const get: ModelSource['get'] = async (model, version) => {
    const place = join(folder, model)
    const files = (await readdir(place)).map((path) => ({ path, digest: path, sizeBytes: 0 }))
    const description = await describeMlModel(files, async (path) =>
      createReadStream(join(place, path)),
    )
    const found: Partial<ModelVersion> = { model, version, digest: model, description }
    return servableOf(found as ModelVersion)
  }
  return {
    get,
    resolve: async (uri) => get(/^models:\/([^/@]+)/.exec(uri)?.[1] ?? '', 1),
    place: async (model) => ({ path: join(folder, model), runs: 'python' }),
    labels: async () => ({}),
    list: async () => (await readdir(folder)).map((model) => ({ model, version: 1 })),
  }
}

/** Models of Python, run by the Python of the tests. */
export function testPythons(
  pythonFor: PythonRuntimeOptions['pythonFor'] = async () => join(pythonBin(), 'python'),
): Runtime {
  return pythonRuntime({
    logger: pino({ level: 'silent' }),
    pythonFor,
    variables: { PATH: process.env['PATH'] },
  })
}
