import { isDeepStrictEqual } from 'node:util'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import {
  changedSettings,
  PINNED,
  type EndpointSettings,
  type ModelSource,
  type Plane,
  type Repository,
  type RepositoryEntry,
  type SettingsChange,
} from '#inference'
import type { Declaration, Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import * as facts from './facts.ts'
import type { ServingTx } from './rollout.ts'
import type { ServingReads } from './store.ts'

const ON_DEMAND: EndpointSettings = { keep: 'on-demand', unloaded: false, quota: null }

/** The same for those who also say how an endpoint is kept, and how much may be asked of it. */
export interface EndpointsByHand extends Repository {
  /** Declares a new endpoint and loads it; throws `exists` for one that is there otherwise. */
  create(endpoint: string, what: { model: string; settings: EndpointSettings }): Promise<void>
  /** Declares an endpoint of nobody's project anew with what is named, and loads it; the rest stays. */
  update(endpoint: string, change: { model?: string } & SettingsChange): Promise<void>
}

/** Endpoints made, loaded and let go by hand, as the repositories of prediction protocols have it. */
export function createRepository<Tx extends ServingTx>(dependencies: {
  read: ServingReads
  transact: Transact<Tx>
  models: ModelSource
  plane: Plane
  endpoints: Endpoints
}): (actor: Actor) => EndpointsByHand {
  const { read, models, plane, endpoints } = dependencies
  const serve = async (actor: Actor, declaration: Declaration) => {
    const { name, model } = declaration
    if ((await models.resolve(model)) === undefined)
      throw new Problem(
        'not-found',
        `${model} means no model version; register one, or set the alias`,
      )
    await endpoints.declare(actor, declaration)
    await endpoints.rollOut(actor, name)
    await plane.describe(name)
  }
  return (actor) => ({
    index: () => indexOf(dependencies),
    load: async (name, { model } = {}) => {
      const known = await read.find(name)
      await serve(
        actor,
        known === undefined
          ? made(name, { model: model ?? (await newestOf(models, name)), settings: ON_DEMAND })
          : reloaded(known, model),
      )
    },
    create: async (name, what) => {
      const known = await read.find(name)
      if (known !== undefined && !isSame(known, what)) throw isThere(known)
      await serve(actor, made(name, what))
    },
    update: async (name, { model, ...change }) => {
      const known = await endpoints.get(name)
      if (known.project !== '') throw ofProject(known)
      const settings = changedSettings(known.settings ?? PINNED, change)
      await serve(actor, reloaded({ ...known, settings }, model))
    },
    unload: async (name) => {
      const { settings, ...endpoint } = await endpoints.get(name)
      if (endpoint.elsewhere === true) throw notHere(name)
      const kept = settings ?? { ...ON_DEMAND, keep: 'pinned' }
      await endpoints.declare(
        actor,
        declarationOf({ ...endpoint, settings: { ...kept, unloaded: true } }),
      )
    },
    remove: async (name) => {
      const { project } = await endpoints.get(name)
      if (project !== '')
        throw new Problem(
          'conflict',
          `endpoint ${name} is declared by the project ${project}; take it out of its orrery.yaml instead`,
        )
      await dependencies.transact(async ({ serving, ledger }) => {
        await serving.remove(name)
        await ledger.append(actor, [facts.endpointRemoved(name)])
      })
      await endpoints.forget(name)
    },
  })
}

function made(
  name: string,
  { model, settings }: { model: string; settings: EndpointSettings },
): Declaration {
  checkName(name)
  return { name, model, project: '', shadows: [], monitor: null, settings }
}

/** Whether an endpoint is what somebody wants to make, though it may have been let go. */
function isSame(
  { project, elsewhere, model, settings }: Endpoint,
  wanted: { model: string; settings: EndpointSettings },
): boolean {
  return (
    project === '' &&
    elsewhere !== true &&
    model === wanted.model &&
    isDeepStrictEqual({ ...settings, unloaded: false }, wanted.settings)
  )
}

function isThere(known: Endpoint): Problem {
  if (known.project !== '') return ofProject(known)
  const { name, model, elsewhere } = known
  return new Problem(
    'exists',
    elsewhere === true
      ? `endpoint ${name} is there already and is answered elsewhere; choose another name`
      : `endpoint ${name} is there already, of ${model}, with other settings or of another model; look at it with "orrery endpoint show ${name}", and change it with "orrery endpoint update ${name}"`,
  )
}

function ofProject({ name, project, model }: Endpoint): Problem {
  return new Problem(
    'conflict',
    `endpoint ${name} is declared by the project ${project}, which says that it serves ${model}; change its orrery.yaml instead`,
  )
}

/** The rule of orrery.yaml, for names that come from anywhere. */
function checkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(name))
    throw new Problem(
      'invalid',
      `${JSON.stringify(name.slice(0, 120))} cannot be the name of an endpoint: names begin with a letter or a digit, go on with these and _ . -, and have at most 100 characters; choose another`,
    )
}

function notHere(name: string): Problem {
  return new Problem(
    'conflict',
    `endpoint ${name} is answered elsewhere, so there is nothing to load or let go here`,
  )
}

/** The declaration with which an endpoint is loaded again, of another model if one is named. */
function reloaded(known: Endpoint, model: string | undefined): Declaration {
  const { settings = null, project } = known
  if (known.elsewhere === true) throw notHere(known.name)
  if (model !== undefined && model !== known.model && project !== '') throw ofProject(known)
  return declarationOf({
    ...known,
    model: model ?? known.model,
    settings: settings === null ? null : { ...settings, unloaded: false },
  })
}

function declarationOf(endpoint: Declaration): Declaration {
  const { name, project, model, shadows, monitor, log = null } = endpoint
  const { delivery = null, settings = null } = endpoint
  return { name, project, model, shadows, monitor, log, delivery, settings }
}

async function newestOf(models: ModelSource, model: string): Promise<string> {
  const versions = (await models.list()).filter((each) => each.model === model)
  const newest = Math.max(...versions.map(({ version }) => version))
  if (versions.length === 0)
    throw new Problem(
      'not-found',
      `there is neither an endpoint nor a registered model ${model}; register one, or name its model as models:/NAME@ALIAS`,
    )
  return `models:/${model}/${newest}`
}

async function indexOf({
  read,
  models,
  plane,
}: {
  read: ServingReads
  models: ModelSource
  plane: Plane
}): Promise<RepositoryEntry[]> {
  const stood = new Map(plane.standings().map((standing) => [standing.endpoint, standing]))
  const declared = await read.list()
  const names = new Set(declared.map(({ name }) => name))
  const entries = declared.map(({ name, live, failure }): RepositoryEntry => {
    const standing = stood.get(name)
    return {
      name,
      version: live?.version ?? null,
      state: standing?.state ?? 'undeployed',
      reason: standing?.reason ?? failure,
    }
  })
  const others = (await models.list())
    .filter(({ model }) => !names.has(model))
    .map(({ model, version }): RepositoryEntry => ({
      name: model,
      version,
      state: 'unloaded',
      reason: null,
    }))
  return [...entries, ...others]
}
