import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { createTurns } from '#base/turns'
import type { Actor, Transact } from '#ledger'
import { versionName, type ModelSource, type Revision } from '#inference'
import type { Endpoint } from './endpoint.ts'
import { revisionCreated } from './facts.ts'
import type { ServingTx } from './rollout.ts'
import type { ServingReads } from './store.ts'

export interface ToldRevision {
  readonly number: number
  readonly modelVersion: string
}

/** Model versions that an endpoint elsewhere may name. */
const REVISIONS_MAX = 1000

/** Of what is answered elsewhere without a word about the model. */
const UNNAMED = 'unnamed'

export interface ToldRevisions {
  /** The revision of the version that was said, made when it is new; without one, that of the last. */
  of(actor: Actor, endpoint: Endpoint, said: string | null): Promise<ToldRevision>
}

/**
 * The revisions of endpoints elsewhere: a new one with the first prediction of each model version. Versions that are
 * registered here keep their lineage; of others only the name is known.
 */
export function createToldRevisions<Tx extends ServingTx>(dependencies: {
  read: ServingReads
  transact: Transact<Tx>
  models: ModelSource
  clock: Clock
}): ToldRevisions {
  const { read, transact, models, clock } = dependencies
  const inTurn = createTurns()
  const known = new Map<string, ToldRevision>()

  const added = async (
    actor: Actor,
    { name }: Endpoint,
    version: Pick<Revision, 'model' | 'version' | 'digest'>,
  ): Promise<Revision> => {
    const all = await read.revisions(name, { limit: REVISIONS_MAX })
    const found = all.find((each) => versionName(each) === versionName(version))
    if (found !== undefined) return found
    if (all.length >= REVISIONS_MAX)
      throw new Problem(
        'limit',
        `endpoint ${name} has had ${REVISIONS_MAX} model versions; say the version of the model, not of each prediction`,
      )
    const number = (all[0]?.number ?? 0) + 1
    const { model, version: count, digest } = version
    const base = { endpoint: name, number, role: 'live', createdMs: clock.nowMs() } as const
    const revision: Revision = { ...base, model, version: count, digest }
    await transact(async ({ serving, ledger }) => {
      await serving.addRevisions([revision])
      await serving.saveServing(name, { live: number, shadowing: [], failure: null })
      await serving.saveAnswering(name, {
        live: number,
        weights: [{ revision: number, weight: 1 }],
      })
      await ledger.append(actor, [revisionCreated(revision)])
    })
    return revision
  }

  const of = async (actor: Actor, endpoint: Endpoint, said: string | null) => {
    const { name, model } = endpoint
    const key = JSON.stringify([name, model, said])
    // An alias may mean another version by now.
    const kept = said === null ? undefined : known.get(key)
    if (kept !== undefined) return kept
    const revision = await added(actor, endpoint, await versionSaid(models, endpoint, said))
    const told = { number: revision.number, modelVersion: versionName(revision) }
    if (known.size >= KNOWN_MAX) known.clear()
    known.set(key, told)
    return told
  }
  return { of: (actor, endpoint, said) => inTurn(endpoint.name, () => of(actor, endpoint, said)) }
}

const KNOWN_MAX = 10_000

type Said = Pick<Revision, 'model' | 'version' | 'digest'>

/** `fraud/3` and `models:/fraud/3` of a registered model, `3` of the endpoint's own, or a name that means nothing here. */
async function versionSaid(
  models: ModelSource,
  { model: uri }: Endpoint,
  said: string | null,
): Promise<Said> {
  const meant = said === null && uri !== '' ? await models.resolve(uri) : undefined
  if (meant !== undefined) return meant
  const own = /^models:\/([^/@]+)/.exec(uri)?.[1]
  const text = said ?? UNNAMED
  const isNumber = /^[1-9]\d{0,8}$/.test(text)
  const [, model, version] = /^(?:models:\/)?([^/@]+)\/([1-9]\d{0,8})$/.exec(text) ?? []
  const named =
    model !== undefined && version !== undefined
      ? { model, version: Number(version) }
      : isNumber && own !== undefined
        ? { model: own, version: Number(text) }
        : undefined
  const registered = named && (await registeredAs(models, named))
  return registered ?? { model: text, version: 0, digest: '' }
}

async function registeredAs(
  models: ModelSource,
  named: Pick<Said, 'model' | 'version'>,
): Promise<Said | undefined> {
  try {
    return await models.get(named.model, named.version)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.code === 'not-found') return undefined
    // One whose files are not kept here cannot be served, and need not be.
    if (error.code === 'invalid') return { ...named, digest: '' }
    throw error
  }
}
