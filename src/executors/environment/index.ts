import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type as osType } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import { exclusively } from '#data'
import type { EnvironmentRecord } from '#stages'
import type { EnvironmentBuilder, EnvironmentOptions } from './builder.ts'
import { condaRecipe } from './conda.ts'
import { imageEnvironment } from './image.ts'
import { thisMachine } from './machine.ts'
import { machinePython, pythonRecipe } from './python.ts'
import type { Recipe } from './recipe.ts'
import { bytesIn, RECORD, type Built } from './shelf.ts'
import type { Source } from './spec.ts'
import { isUnreachable, printed, workshop, type Workshop } from './workshop.ts'

export { specIn, type DeclaredEnvironment } from './sources.ts'
export type { EnvironmentBuilder, EnvironmentOptions } from './builder.ts'
export type { EnvironmentSpec } from './spec.ts'
export { builtIn, prune, type Built, type Pruned } from './shelf.ts'

/** Builds environments. What is built is kept by the digest of what was asked for, and is never changed after. */
export function environmentBuilder(options: EnvironmentOptions): EnvironmentBuilder {
  const { source, python } = options.spec
  const machine = { variables: {}, record: null }
  if (source === undefined) return { prepare: async () => machine, find: async () => undefined }
  if (source.kind === 'image') return imageEnvironment(source, options)
  const recipe = recipeOf(source, python)
  return {
    prepare: async (onProgress, signal) => {
      const key = await keyOf(options, recipe)
      const place = join(options.folder, key)
      const building = { key, place, onProgress, signal }
      if (standing(recipe, place) === undefined) {
        mkdirSync(options.folder, { recursive: true })
        await exclusively([options.lockAt(`${place}.lock`)], async () => {
          if (standing(recipe, place) === undefined) await build(options, recipe, building)
        })
      }
      const built = standing(recipe, place)
      if (built === undefined) throw new Error(`${place} is gone as soon as it was built`)
      const usedAt = options.nowMs() / 1000
      utimesSync(join(place, RECORD), usedAt, usedAt)
      return {
        variables: recipe.variables(place, options.environment),
        record: recordOf(options, key, built),
      }
    },
    find: async () => {
      const key = await keyOf(options, recipe)
      return { key, built: standing(recipe, join(options.folder, key)) }
    },
  }
}

function recipeOf(source: Exclude<Source, { kind: 'image' }>, python: string | undefined): Recipe {
  return source.kind === 'conda-lock' ? condaRecipe(source) : pythonRecipe(source, python)
}

async function keyOf({ spec, environment }: EnvironmentOptions, recipe: Recipe): Promise<string> {
  // What conda installs brings its own.
  const python =
    spec.source?.kind === 'conda-lock'
      ? null
      : (spec.python ?? (await machinePython(environment))?.version ?? null)
  const platform = `${osType()} ${process.arch}`
  return sha256(canonicalJson({ ...recipe.identity, python, platform }))
}

/** What is built at a place; undefined where nothing is, or not all, or what has been changed since. */
function standing(recipe: Recipe, place: string): Built | undefined {
  const file = join(place, RECORD)
  if (!existsSync(file) || !recipe.isWhole(place)) return undefined
  const built = JSON.parse(readFileSync(file, 'utf8')) as Built
  return built.contents === sha256(recipe.contents(place)) ? built : undefined
}

interface Building {
  readonly key: string
  readonly place: string
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/** The variable that marks what builds an environment, with the environment's key. */
const MARK = 'ORRERY_BUILDS'

/**
 * An environment holds its own path in its scripts, so it is built where it stays; what was left
 * there by a builder that was killed has no record and goes first, after what it left running.
 */
async function build(
  options: EnvironmentOptions,
  recipe: Recipe,
  { key, place, onProgress, signal }: Building,
): Promise<void> {
  options.endProcessesWith?.(MARK, key)
  if (existsSync(join(place, RECORD)))
    onProgress(`the environment in ${place} was changed after it was built: building it anew`)
  const shop = (offline: boolean) =>
    workshop({
      environment: options.environment,
      offline,
      stores: place,
      onProgress,
      signal,
      mark: { [MARK]: key },
    })
  try {
    const used = await builtOnOrOffline(recipe, place, shop, options.offline === true)
    const built = await describe(options, recipe, { place, shop: used })
    const temporary = join(place, `${RECORD}.new`)
    writeFileSync(temporary, JSON.stringify(built))
    renameSync(temporary, join(place, RECORD))
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
}

/** Builds with an index, or without where none can be reached and everything is here already. */
async function builtOnOrOffline(
  recipe: Recipe,
  place: string,
  shop: (offline: boolean) => Workshop,
  onlyOffline: boolean,
): Promise<Workshop> {
  const attempt = async (offline: boolean) => {
    rmSync(place, { recursive: true, force: true })
    const used = shop(offline)
    await recipe.build(place, used)
    return used
  }
  if (onlyOffline) return attempt(true)
  try {
    return await attempt(false)
  } catch (error) {
    if (!(error instanceof Problem) || !isUnreachable(error.message)) throw error
    shop(true).say('the index cannot be reached: trying with what this machine has kept')
    try {
      return await attempt(true)
    } catch (second) {
      throw new Problem(
        'unavailable',
        `${messageOf(error)}\nand without an index: ${messageOf(second)}`,
      )
    }
  }
}

async function describe(
  { spec, nowMs }: EnvironmentOptions,
  recipe: Recipe,
  { place, shop }: { place: string; shop: Workshop },
): Promise<Built> {
  const lock = await recipe.resolved(place, shop)
  const python = await printed(shop.environment, [join(place, 'bin', 'python'), '-c', ABOUT])
  const [version = 'none', blas = ''] = (python ?? '').trim().split('\n')
  return {
    digest: sha256(lock),
    lock,
    python: version === '' ? 'none' : version,
    ...(blas === '' ? {} : { blas }),
    kind: spec.source?.kind ?? 'python',
    ...(recipe.file === undefined ? {} : { source: recipe.file }),
    contents: sha256(recipe.contents(place)),
    sizeBytes: bytesIn(place),
    builtMs: nowMs(),
  }
}

/** Its version, and what its numpy multiplies matrices with. */
const ABOUT = `
import platform; print(platform.python_version())
try:
    import numpy
    blas = numpy.show_config('dicts')['Build Dependencies']['blas']
    print(blas.get('name', ''), blas.get('version', ''))
except Exception: pass
`

function recordOf(options: EnvironmentOptions, key: string, built: Built): EnvironmentRecord {
  const { digest, lock, python, blas, kind, source } = built
  return {
    digest,
    lock,
    python,
    ...thisMachine(),
    ...(options.name === undefined ? {} : { name: options.name }),
    kind,
    ...(source === undefined ? {} : { source }),
    key,
    ...(blas === undefined ? {} : { blas }),
  }
}
