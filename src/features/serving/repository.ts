import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import type { EndpointSettings, ModelSource, Plane, Repository, RepositoryEntry } from '#inference'
import type { Declaration, Endpoint } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import * as facts from './facts.ts'
import type { ServingTx } from './rollout.ts'
import type { ServingReads } from './store.ts'

const ON_DEMAND: EndpointSettings = { keep: 'on-demand', unloaded: false, quota: null }

/** Endpoints made, loaded and let go by hand, as the repositories of prediction protocols have it. */
export function createRepository<Tx extends ServingTx>(dependencies: {
  read: ServingReads
  transact: Transact<Tx>
  models: ModelSource
  plane: Plane
  endpoints: Endpoints
}): (actor: Actor) => Repository {
  const { read, models, plane, endpoints } = dependencies
  const declared = async (
    name: string,
    { model, settings }: { model?: string; settings?: EndpointSettings | null },
  ): Promise<Declaration> => {
    const known = settings === undefined ? await read.find(name) : undefined
    if (known !== undefined) return reloaded(known, model)
    checkName(name)
    const made = { name, model: model ?? (await newestOf(models, name)) }
    const base = { project: '', shadows: [], monitor: null }
    return { ...base, ...made, settings: settings ?? ON_DEMAND }
  }
  return (actor) => ({
    index: () => indexOf(dependencies),
    load: async (name, options = {}) => {
      const declaration = await declared(name, options)
      if ((await models.resolve(declaration.model)) === undefined)
        throw new Problem(
          'not-found',
          `${declaration.model} means no model version; register one, or set the alias`,
        )
      await endpoints.declare(actor, declaration)
      await endpoints.rollOut(actor, name)
      await plane.describe(name)
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
  if (model !== undefined && model !== known.model && project !== '')
    throw new Problem(
      'conflict',
      `endpoint ${known.name} is declared by the project ${project}, which says that it serves ${known.model}; change its orrery.yaml instead`,
    )
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
