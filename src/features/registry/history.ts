import { Problem } from '#base/problem'
import type { ChangeKind, VersionOrigin } from './change.ts'
import type { HistoryReads, KeptChange, Life } from './history-store.ts'
import { isPrompt, modelNotFound, versionNotFound, type ModelVersion, type Stage } from './model.ts'
import type { RegisteredModel } from './model.ts'
import type { Kind } from './store.ts'

/** A model as it was at some moment. */
export interface ModelThen extends RegisteredModel {
  readonly life: number
  readonly versions: readonly ModelVersion[]
}

export interface HistoryPage {
  /** Changes told by entries before this position. */
  readonly before?: number
  readonly kinds?: readonly ChangeKind[]
  /** Entries of the ledger; a few of them tell several changes. */
  readonly limit: number
  /** An earlier model of that name, by the position at which it began. */
  readonly life?: number
}

/** What the registry was at any moment, and how it came to be so. */
export interface RegistryHistory {
  /** Every change of a model through all its names, newest first. Throws `not-found`. */
  list(
    model: string,
    page: HistoryPage,
  ): Promise<{ changes: readonly KeptChange[]; next: number | null; lives: readonly Life[] }>
  /** The models as they were then, by name. */
  modelsAt(
    atMs: number,
    page: { kind: Kind; after?: string; search?: string; limit: number },
  ): Promise<{ models: readonly ModelThen[]; next: string | null }>
  /**
   * The model that bore the name then; when none did, the one that bears it now, as it was then.
   * Throws `not-found`.
   */
  modelAt(model: string, atMs: number): Promise<ModelThen>
  /** Throws `not-found`. */
  versionAt(model: string, version: number, atMs: number): Promise<ModelVersion>
}

const LAST = Number.MAX_SAFE_INTEGER

export function createHistory({ read }: { read: HistoryReads }): RegistryHistory {
  const modelAt = async (name: string, atMs: number) => {
    const at = await read.positionAt(atMs)
    const then = (await read.findLife(name, at)) ?? (await todaysThen(read, name, at))
    if (then === undefined) throw notThere(name, atMs)
    return modelThen(then, await read.slotsAt([then.life], at))
  }
  return {
    list: async (model, { life: asked, ...page }) => {
      const lives = await read.livesNamed(model)
      const life = asked === undefined ? lives[0] : lives.find((each) => each.life === asked)
      if (life === undefined) throw modelNotFound(model)
      const found = await read.changes({ life: life.life, ...page })
      const entries = [...new Set(found.map(({ position }) => position))]
      const last = entries.length > page.limit ? entries[page.limit - 1] : undefined
      if (last === undefined) return { changes: found, next: null, lives }
      return { changes: found.filter(({ position }) => position >= last), next: last, lives }
    },
    modelsAt: async (atMs, { kind, after = '', search = '', limit }) => {
      const at = await read.positionAt(atMs)
      const models: ModelThen[] = []
      for (let from = after; ;) {
        const lives = await read.livesAt({ at, after: from, search, limit })
        const slots = Map.groupBy(
          await read.slotsAt(
            lives.map(({ life }) => life),
            at,
          ),
          ({ life }) => life,
        )
        for (const life of lives.slice(0, limit)) {
          from = life.name
          const model = modelThen(life, slots.get(life.life) ?? [])
          if (isPrompt(model.tags) === (kind === 'prompt')) models.push(model)
          if (models.length === limit)
            return { models, next: life === lives.at(-1) ? null : life.name }
        }
        if (lives.length <= limit) return { models, next: null }
      }
    },
    modelAt,
    versionAt: async (name, number, atMs) => {
      const model = await modelAt(name, atMs)
      const version = model.versions.find((each) => each.version === number)
      if (version === undefined) throw versionNotFound(name, number)
      return version
    },
  }
}

/** The model that has the name today, as it was called then. */
async function todaysThen(read: HistoryReads, name: string, at: number): Promise<Life | undefined> {
  const today = await read.findLife(name, LAST)
  return today === undefined ? undefined : read.nameAt(today.life, at)
}

function notThere(name: string, atMs: number): Problem {
  if (atMs > LATEST_MS) return modelNotFound(name)
  return new Problem(
    'not-found',
    `there was no registered model ${name} at ${new Date(atMs).toISOString()}; "orrery history ${name}" tells when it came and went`,
  )
}

/** The last moment that a date can tell; what is asked for later than that is asked for now. */
const LATEST_MS = 8.64e15

/** Puts a model together from the last change of each of its slots. */
export function modelThen(life: Life, slots: readonly KeptChange[]): ModelThen {
  const filled = slots.filter(({ after }) => after !== null)
  const own = filled.filter(({ version }) => version === null)
  const aliases = own
    .filter(({ kind }) => kind === 'alias')
    .map(({ key, after }) => ({ alias: key, version: Number(after) }))
    .toSorted((a, b) => (a.alias < b.alias ? -1 : 1))
  const versions = filled
    .filter(({ kind }) => kind === 'version')
    .map((registered) =>
      versionThen(registered, {
        model: life.name,
        slots: slots.filter(({ version }) => version === registered.version),
        aliases: aliases.flatMap(({ alias, version }) =>
          version === registered.version ? [alias] : [],
        ),
      }),
    )
  return {
    life: life.life,
    name: life.name,
    note: own.find(({ kind }) => kind === 'description')?.after ?? '',
    createdMs: life.createdMs,
    updatedMs: lastOf(slots, life.createdMs),
    tags: tagsIn(own),
    aliases,
    versions: versions.toSorted((a, b) => b.version - a.version),
  }
}

function versionThen(
  registered: KeptChange,
  of: { model: string; slots: readonly KeptChange[]; aliases: readonly string[] },
): ModelVersion {
  const origin = JSON.parse(registered.after ?? '{}') as VersionOrigin
  const valueOf = (wanted: ChangeKind) => of.slots.find(({ kind }) => kind === wanted)?.after
  return {
    ...origin,
    model: of.model,
    version: registered.version ?? 0,
    stage: (valueOf('stage') ?? 'none') as Stage,
    note: valueOf('description') ?? '',
    updatedMs: lastOf(of.slots, origin.createdMs),
    tags: tagsIn(of.slots),
    aliases: of.aliases,
  }
}

function tagsIn(slots: readonly KeptChange[]) {
  return slots
    .flatMap(({ kind, key, after }) =>
      kind === 'tag' && after !== null ? [{ key, value: after }] : [],
    )
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function lastOf(slots: readonly KeptChange[], first: number): number {
  return slots.reduce((last, { atMs }) => Math.max(last, atMs), first)
}
