import type { Revision, Role, ServableModel } from '#inference'
import type { Endpoint } from './endpoint.ts'

/** The model versions that an endpoint's URIs mean now. */
export interface Wanted {
  readonly live: ServableModel
  readonly shadows: readonly ServableModel[]
  /** The versions that traffic is divided among, where it is; `live` is not asked then. */
  readonly divided?: readonly { readonly servable: ServableModel; readonly weight: number }[]
}

/** A revision, and what is known of its model. */
export interface Candidate {
  readonly revision: Revision
  readonly servable: ServableModel
}

export interface WeightedCandidate extends Candidate {
  readonly weight: number
}

/** What is to serve, and which of it is new. */
export interface RollOutPlan {
  /** What the endpoint stands for: the old revision as long as traffic moves step by step. */
  readonly live: Candidate
  readonly answering: readonly WeightedCandidate[]
  readonly shadows: readonly Candidate[]
  readonly created: readonly Revision[]
  readonly changed: boolean
  /** Traffic moves step by step to this revision, which `answering` has at its first step. */
  readonly gradual: Candidate | null
}

/** What a plan has to know beside the endpoint. */
export interface Situation {
  readonly newestNumber: number
  readonly nowMs: number
  /** The servable of a revision that answers already. */
  readonly known: (revision: Revision) => ServableModel
  /** The move that is under way. */
  readonly underWay: { readonly from: number; readonly to: number } | undefined
}

/** Keeps the revisions that are wanted still and numbers new ones for the rest. */
export function planRollOut(endpoint: Endpoint, wanted: Wanted, situation: Situation): RollOutPlan {
  const { answering: present, shadowing } = endpoint
  const created: Revision[] = []
  const candidate = (servable: ServableModel, role: Role): Candidate => {
    const held = role === 'live' ? present.map(({ revision }) => revision) : shadowing
    const kept = held.find((revision) => isOf(revision, servable))
    if (kept !== undefined) return { revision: kept, servable }
    const revision: Revision = {
      endpoint: endpoint.name,
      number: situation.newestNumber + created.length + 1,
      role,
      model: servable.model,
      version: servable.version,
      digest: servable.digest,
      createdMs: situation.nowMs,
    }
    created.push(revision)
    return { revision, servable }
  }
  const lineup =
    wanted.divided === undefined
      ? singleLineup(endpoint, candidate(wanted.live, 'live'), situation)
      : dividedLineup(
          endpoint,
          wanted.divided.map(({ servable, weight }) => ({
            ...candidate(servable, 'live'),
            weight,
          })),
        )
  const shadows = wanted.shadows.map((servable) => candidate(servable, 'shadow'))
  const changed =
    created.length > 0 ||
    shadows.length !== shadowing.length ||
    !sameWeights(lineup.answering, present)
  return { ...lineup, shadows, created, changed }
}

type Lineup = Pick<RollOutPlan, 'live' | 'answering' | 'gradual'>

function singleLineup(endpoint: Endpoint, wanted: Candidate, situation: Situation): Lineup {
  const { live, answering, delivery } = endpoint
  const { known, underWay } = situation
  const alone: Lineup = { live: wanted, answering: [{ ...wanted, weight: 1 }], gradual: null }
  const answers = answering.find(({ revision }) => revision.number === wanted.revision.number)
  // The old version is wanted again: the move that was begun away from it ends.
  if (underWay?.from === wanted.revision.number) return alone
  if (answers !== undefined && live !== null)
    return {
      live: { revision: live, servable: known(live) },
      answering: answering.map(({ revision, weight }) => ({
        revision,
        weight,
        servable: known(revision),
      })),
      gradual: null,
    }
  const first = delivery?.rollout?.steps[0]
  if (live === null || first === undefined) return alone
  const old: Candidate = { revision: live, servable: known(live) }
  return {
    live: old,
    answering: [
      { ...old, weight: 100 - first },
      { ...wanted, weight: first },
    ],
    gradual: wanted,
  }
}

function dividedLineup(
  { answering: present, delivery }: Endpoint,
  wanted: readonly WeightedCandidate[],
): Lineup {
  // An experiment has found weights of its own; they stay while the same revisions take part.
  const found = (number: number) =>
    present.find(({ revision }) => revision.number === number)?.weight
  const isGoingOn =
    delivery?.experiment != null &&
    present.length === wanted.length &&
    wanted.every(({ revision }) => found(revision.number) !== undefined)
  const answering = isGoingOn
    ? wanted.map(({ revision, servable, weight }) => ({
        revision,
        servable,
        weight: found(revision.number) ?? weight,
      }))
    : wanted
  const heaviest = answering.reduce((most, each) => (each.weight > most.weight ? each : most))
  return { live: heaviest, answering, gradual: null }
}

function sameWeights(
  one: readonly WeightedCandidate[],
  other: readonly { readonly revision: Revision; readonly weight: number }[],
): boolean {
  const text = (each: typeof other) =>
    JSON.stringify(each.map(({ revision, weight }) => [revision.number, weight]))
  return text(one) === text(other)
}

export function isOf(
  revision: Revision,
  { model, version, digest }: Pick<Revision, 'model' | 'version' | 'digest'>,
): boolean {
  return revision.model === model && revision.version === version && revision.digest === digest
}
