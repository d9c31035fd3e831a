import { Problem } from '#base/problem'
import { platformActor, type Follower } from '#ledger'
import { CONVERT_TAG, type ModelVersion, type Registry, type RegistryReads } from '#registry'
import type { Writes } from '#stores/sql/index'
import type { Handler } from '#work'
import type { TrainingRows } from '#protocols/api/training-rows'
import type { Ground } from '../ground.ts'

const CONVERT_MODEL = 'convert-model'
/** Tells on the version that was to be converted what came of it. */
const OUTCOME_TAG = `${CONVERT_TAG}.outcome`
/** What a conversion has given bears the name of its source under this. */
const SOURCE_TAG = 'converted_from'
/** Most are done in seconds; this is with the building of an environment for a large library. */
const CONVERSION_MS_MAX = 3_600_000

interface Asked {
  readonly model: string
  readonly version: number
}

/** Has versions converted that are registered with the tag, or whose model has it, or that are given it later. */
export const convertRegistered: Follower<Writes> = {
  name: 'conversions',
  types: ['model-version-registered', 'model-version-tag-set'],
  follow: async ({ type, data, position }, { registry, work }) => {
    if (type === 'model-version-tag-set' && data['key'] !== CONVERT_TAG) return
    const { model, version } = data as unknown as Asked
    const found = await registry.findVersion(model, version)
    if (found === undefined || !(await isToConvert(registry, found))) return
    const key = `${CONVERT_MODEL}:${position}`
    await work.enqueue([{ kind: CONVERT_MODEL, key, payload: { model, version } }])
  },
}

/** What is ONNX has no use for it, least of all what a conversion has just given. */
async function isToConvert(
  registry: Pick<RegistryReads, 'findModel'>,
  { model, tags, description }: ModelVersion,
): Promise<boolean> {
  if (description.flavors.includes('onnx')) return false
  const ofModel = (await registry.findModel(model))?.tags ?? []
  return [...tags, ...ofModel].some(({ key }) => key === CONVERT_TAG)
}

/** One at a time: a conversion takes what the machine has. One that failed is asked for anew by its tag. */
export function conversionHandler(
  ground: Ground,
  { registry, trainingRows }: { registry: Registry; trainingRows: TrainingRows },
): Handler {
  const findVersion = (asked: Asked) =>
    ground.store.read.registry.findVersion(asked.model, asked.version)
  const tell = async (asked: Asked, value: string) => {
    // Who deletes a version meanwhile wants to know nothing more of it.
    if ((await findVersion(asked)) === undefined) return
    const tag = { key: OUTCOME_TAG, value }
    await registry.versions.setTag(platformActor('conversions'), asked.model, asked.version, tag)
  }
  return {
    kind: CONVERT_MODEL,
    concurrency: 1,
    attemptsMax: 1,
    run: async ({ payload }, signal) => {
      const asked = payload as unknown as Asked
      if ((await findVersion(asked)) === undefined) return
      const made =
        (await madeOf(registry, asked)) ??
        (await convert({ ...ground, trainingRows }, asked, signal))
      await tell(asked, made)
    },
    abandoned: ({ payload }, reason) => tell(payload as unknown as Asked, reason),
  }
}

/** The version that an earlier conversion has given: the server may have ended right after it. */
async function madeOf(registry: Registry, asked: Asked): Promise<string | undefined> {
  const { items } = await registry.versions.search({
    kind: 'model',
    conditions: [
      { field: { of: 'attribute', name: 'model' }, comparator: '=', value: asked.model },
      { field: { of: 'tag', key: SOURCE_TAG }, comparator: '=', value: nameOf(asked) },
    ],
    order: [],
    limit: 1,
  })
  return items[0] === undefined ? undefined : nameOf(items[0])
}

async function convert(
  ground: Ground & { readonly trainingRows: TrainingRows },
  asked: Asked,
  stopping: AbortSignal,
): Promise<string> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(tookTooLong(asked)), CONVERSION_MS_MAX)
  const signal = AbortSignal.any([stopping, limit.signal])
  try {
    // Read when it is needed first: few servers convert, and all start sooner without.
    const { convertOnServer } = await import('./on-server.ts')
    return nameOf(await convertOnServer(ground, asked, signal))
  } finally {
    clearTimeout(timer)
  }
}

function tookTooLong(asked: Asked): Problem {
  return new Problem(
    'timeout',
    `the conversion of ${nameOf(asked)} took longer than an hour and was ended; convert it with "orrery convert", which waits`,
  )
}

function nameOf({ model, version }: Asked): string {
  return `${model}/${version}`
}
