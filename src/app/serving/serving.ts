import { extname, join } from 'node:path'
import type { Registry } from '#registry'
import type { Experiments, Rollouts } from '#rollouts'
import { servableOf, type ModelSource } from '#inference'
import type { Place } from '#tracking'
import { createServing, type Serving } from '#serving'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import type { Analytics } from '#stores/analytics/duckdb/index'
import { openSource } from '#stores/journal/index'
import { openPredictionLog } from '#stores/predictions/index'
import { Problem } from '#base/problem'
import type { Writes } from '#stores/sql/index'
import type { Ground } from '../ground.ts'
import { supervisePlane, type PlaneProcess } from '../plane/supervise.ts'
import { rolloutsOf } from './rollouts.ts'

/** Endpoints over the registry's models, ONNX Runtime in processes of its own, and the prediction log. */
export function servingOf(
  ground: Ground,
  parts: { registry: Registry; analytics: Analytics },
): {
  serving: Serving
  plane: PlaneProcess
  rollouts: Rollouts<Writes>
  experiments: Experiments
} {
  const { config, store, objects, clock, ids, logger, onStop } = ground
  const log = openPredictionLog({
    file: join(config.home, 'predictions.db'),
    folder: join(config.home, 'segments'),
    objects,
    files: segmentFiles(parts.analytics),
    journal: { source: openSource(join(config.home, 'journal')), logger },
  })
  onStop(log.close)
  const { rollouts, experiments, onPulse } = rolloutsOf(ground, {
    serving: () => serving,
    rewards: log.rewards,
  })
  const { database: _, ...settings } = config
  const plane = supervisePlane({
    settings,
    log,
    repository: {
      index: () => repository.index(),
      load: (endpoint, options) => repository.load(endpoint, options),
      unload: (endpoint) => repository.unload(endpoint),
      remove: (endpoint) => repository.remove(endpoint),
    },
    logger,
    onRestart: (endpoint, reason) => serving.restarted(endpoint, reason),
    onPulse,
  })
  const serving = createServing({
    read: store.read.serving,
    transact: store.transact,
    log,
    models: modelSource(ground, parts.registry),
    plane,
    gradual: rollouts.gradual,
    clock,
    ids,
    logger,
    sealRows: config.sealRows,
  })
  const repository = serving.repository({ kind: 'user', id: 'local' })
  onStop(serving.stop)
  return { serving, plane, rollouts, experiments }
}

/** Versions of the registry, whose files are placed on disk under their digest. */
function modelSource({ config, objects }: Ground, registry: Registry): ModelSource {
  return {
    resolve: async (uri) => {
      try {
        return servableOf(await registry.resolve(uri))
      } catch (error) {
        // An alias that nobody has set, or a model that nobody has logged, means no version yet.
        if (error instanceof Problem && error.code === 'not-found') return undefined
        throw error
      }
    },
    get: async (model, version) => servableOf(await registry.versions.get(model, version)),
    list: () => versionsOf(registry),
    labels: async (model) => {
      const { aliases = [] } = (await registry.models.find(model)) ?? {}
      return Object.fromEntries(aliases.map(({ alias, version }) => [alias, version]))
    },
    place: async (model, version) => {
      const { digest, description } = await registry.versions.get(model, version)
      const { onnx, flavors } = description
      const isPython = flavors.includes('python_function')
      if (digest === null || (onnx === null && !isPython))
        throw new Problem(
          'invalid',
          `${model}:${version} holds no model that can be served; log it with mlflow.<flavor>.log_model`,
        )
      const folder = join(config.home, 'serving', digest)
      for (const file of await registry.files(model, version)) {
        // Nothing that a model of Python brings is read for one of ONNX.
        if (onnx !== null && extname(file.path) === '.pkl') continue
        await objects.place(file.digest, join(folder, file.path))
      }
      return onnx === null
        ? { path: folder, runs: 'python' }
        : { path: join(folder, onnx.path), runs: 'onnx' }
    },
  }
}

async function versionsOf(registry: Registry): Promise<{ model: string; version: number }[]> {
  const found: { model: string; version: number }[] = []
  const search = { kind: 'model', conditions: [], order: [], limit: 1000 } as const
  for (let after: Place | undefined; ;) {
    const { items, next } = await registry.versions.search({ ...search, after })
    found.push(...items.map(({ model, version }) => ({ model, version })))
    if (next === null) return found
    after = next
  }
}
