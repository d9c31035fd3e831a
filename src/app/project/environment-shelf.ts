import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { ProjectConfig } from '#projects'
import type { EnvironmentRecord } from '#stages'
import { environment as variables } from '#app/settings/environment'
import { builtIn, prune, type Pruned } from '#executors/environment/index'
import { openProjectLock } from '#stores/dvc/lock'
import { declaredIn } from './declared.ts'
import { builderOf, environmentNamed, environmentsFolder } from './environments.ts'
import { projectRootOf } from './root.ts'

/** An environment that the project here declares, or that this machine has built. */
export interface ListedEnvironment {
  /** The name that the project has for it, `default` for its own; null where it is another's. */
  readonly name: string | null
  readonly kind: string | null
  readonly source: string | null
  /** Null where it cannot be told yet. */
  readonly key: string | null
  readonly built: boolean
  readonly python: string | null
  readonly packages: number | null
  readonly digest: string | null
  readonly sizeBytes: number | null
  readonly builtMs: number | null
  readonly usedMs: number | null
  /** Why nothing more can be told of it. */
  readonly problem: string | null
}

/** How the project's own is called where a name is needed. */
export const OWN = 'default'

/** What the project declares, then what else this machine has built, that was used last first. */
export async function listEnvironments(folder: string): Promise<ListedEnvironment[]> {
  const declared = await declaredHere(folder)
  const shelved = builtIn(await folderOfMachine())
  const names = new Map(declared.flatMap(({ key, name }) => (key === null ? [] : [[key, name]])))
  const rows = shelved.map((built): ListedEnvironment => ({
    name: names.get(built.key) ?? null,
    kind: built.kind,
    source: built.source ?? null,
    key: built.key,
    built: true,
    python: built.python,
    packages: packagesIn(built.lock),
    digest: built.digest,
    sizeBytes: built.sizeBytes,
    builtMs: built.builtMs,
    usedMs: built.usedMs,
    problem: null,
  }))
  const known = new Map(rows.map((row) => [row.key, row]))
  return [
    ...declared.map((row) => joined(row, known.get(row.key))),
    ...rows.filter(({ name }) => name === null),
  ]
}

/** Builds an environment of the project, or finds it built; null where it has none of its own. */
export async function buildEnvironment(
  folder: string,
  how: {
    readonly name: string | undefined
    readonly offline: boolean
    readonly onProgress: (line: string) => void
  },
): Promise<EnvironmentRecord | null> {
  const root = projectRootOf(folder)
  const declared = environmentNamed(await declaredIn(root), how.name)
  if (declared === undefined) return null
  const ground = { variables, environments: folderOfMachine }
  const wanted = { name: how.name, declared, ...(how.offline ? { offline: true } : {}) }
  return (await (await builderOf(root, ground, wanted)).prepare(how.onProgress)).record
}

/** What this machine knows of one environment of the project, with its packages; nothing is built. */
export async function showEnvironment(
  folder: string,
  name: string,
): Promise<ListedEnvironment & { readonly lock: string | null }> {
  const root = projectRootOf(folder)
  // Says which there are.
  environmentNamed(await declaredIn(root), name === OWN ? undefined : name)
  const listed = (await listEnvironments(folder)).find((each) => each.name === name)
  const shelved = builtIn(await folderOfMachine()).find(({ key }) => key === listed?.key)
  return { ...(listed ?? unknown(name)), lock: shelved?.lock ?? null }
}

function joined(declared: ListedEnvironment, built: ListedEnvironment | undefined) {
  const { name, source } = declared
  return built === undefined ? declared : { ...built, name, source }
}

export function packagesIn(lock: string): number {
  return lock.split('\n').filter((line) => line !== '').length
}

async function declaredHere(folder: string): Promise<ListedEnvironment[]> {
  let root: string
  try {
    root = projectRootOf(folder)
  } catch {
    // Outside a project there is only what the machine has.
    return []
  }
  const config = await declaredIn(root)
  const names = Object.keys(config.environments ?? {})
  return Promise.all(
    [...(config.environment === undefined ? [] : [OWN]), ...names].map((name) =>
      declaredAt(root, config, name),
    ),
  )
}

async function declaredAt(
  root: string,
  config: Partial<ProjectConfig>,
  name: string,
): Promise<ListedEnvironment> {
  const called = name === OWN ? undefined : name
  const declared = environmentNamed(config, called)
  if (declared === undefined) return unknown(name)
  const { requirements, uv_lock: uv, pyproject, conda_lock: conda, image } = declared
  const source = requirements ?? uv ?? pyproject ?? conda ?? image ?? null
  const ground = { variables, environments: folderOfMachine }
  try {
    const found = await (await builderOf(root, ground, { name: called, declared })).find()
    return unknown(name, { source, key: found?.key ?? null })
  } catch (error) {
    // One that is declared wrongly must not hide the others.
    if (!(error instanceof Problem)) throw error
    return unknown(name, { source, problem: error.message })
  }
}

function unknown(name: string, more: Partial<ListedEnvironment> = {}): ListedEnvironment {
  return {
    name,
    kind: null,
    source: null,
    key: null,
    built: false,
    python: null,
    packages: null,
    digest: null,
    sizeBytes: null,
    builtMs: null,
    usedMs: null,
    problem: null,
    ...more,
  }
}

/** Takes away what nobody used for so long, or tells which would go. */
export async function pruneEnvironments(how: {
  readonly unusedMs: number
  readonly remove: boolean
}): Promise<Pruned[]> {
  return prune(await folderOfMachine(), {
    unusedSinceMs: systemClock.nowMs() - how.unusedMs,
    remove: how.remove,
    lockAt: (file) =>
      openProjectLock(file, { waitSeconds: 0, holder: 'somebody who builds this environment' }),
  })
}

async function folderOfMachine(): Promise<string> {
  return environmentsFolder({
    variables,
    environments: async () =>
      (await import('#app/settings/config')).loadConfig({}).config.environments,
  })
}
