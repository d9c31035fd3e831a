import type { EndpointSettings, Revision } from '#inference'
import type { Ref } from '#ledger'
import type { ExperimentConfig, LogConfig, MonitorConfig, RolloutConfig } from '#projects'

/** A stable name that answers predictions. */
export interface Endpoint extends Declaration {
  readonly declaredMs: number
  /** What answers now; `null` before the first rollout. */
  readonly live: Revision | null
  /** All that answer, `live` among them, and their relative weights; empty before the first rollout. */
  readonly answering: readonly Answering[]
  /** What is asked as well, unseen by the caller. */
  readonly shadowing: readonly Revision[]
  /** Why the newest rollout did not come about; `null` after one that did. */
  readonly failure: string | null
}

export interface Answering {
  readonly revision: Revision
  readonly weight: number
}

/** How traffic is given to the revisions of an endpoint. */
export type Delivery = {
  /** How it moves to a new revision; at once without. */
  readonly rollout: RolloutConfig | null
  /** URIs of versions and their relative weights, in place of the one that `model` names. */
  readonly traffic: Readonly<Record<string, number>> | null
  /** What the weights of `traffic` become of; without, they stay as they are. */
  readonly experiment: ExperimentConfig | null
  /** Whether callers may choose the revision by a header. */
  readonly override: boolean
}

/** What an endpoint is meant to be. */
export interface Declaration {
  readonly name: string
  /** Empty for one that was made by hand. */
  readonly project: string
  /** `models:/name@alias` or `models:/name/3`; empty for one elsewhere that names none. */
  readonly model: string
  /** Whether another system answers: it tells of its predictions, and nothing is loaded here. */
  readonly elsewhere?: boolean
  /** URIs of the same forms; one that means no version yet is passed over. */
  readonly shadows: readonly string[]
  readonly monitor: MonitorConfig | null
  /** How its predictions are logged; all of them, whole, if it does not say. */
  readonly log?: LogConfig | null
  readonly delivery?: Delivery | null
  /** Always loaded, if it does not say. */
  readonly settings?: EndpointSettings | null
}

export function endpointRef(name: string): Ref {
  return { kind: 'endpoint', id: name }
}

/** A revision in the lineage graph: `flights-late/3`. */
export function revisionRef({ endpoint, number }: { endpoint: string; number: number }): Ref {
  return { kind: 'revision', id: `${endpoint}/${number}` }
}

/** Whether a declaration says the same as before. */
export function sameDeclaration(one: Declaration, other: Declaration): boolean {
  const text = ({ monitor, log = null, delivery = null, settings = null, ...rest }: Declaration) =>
    JSON.stringify([
      rest.name,
      rest.project,
      rest.model,
      rest.shadows,
      rest.elsewhere === true,
      ...[monitor, log, delivery, settings].map(sorted),
    ])
  return text(one) === text(other)
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)])
}
