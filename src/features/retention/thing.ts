import { Problem } from '#base/problem'

/** What can be deleted, restored, purged and held. */
export const KINDS = [
  'experiment',
  'run',
  'logged-model',
  'registered-model',
  'model-version',
] as const

export type Kind = (typeof KINDS)[number]

/** One of them by its name; a model version is `flights-late/3`. */
export interface Thing {
  readonly kind: Kind
  readonly id: string
}

/** A thing as it is now: in use, deleted, or kept aside in the trash. */
export interface Subject extends Thing {
  readonly name: string
  readonly experimentId: string | null
  readonly state: 'active' | 'deleted'
  /** The ledger entry under which the registry keeps it aside; null for what still has its place. */
  readonly position: number | null
  /** The folder of its files in the artifact tree; null when it has none there. */
  readonly root: string | null
}

export function keyOf({ kind, id }: Thing): string {
  return `${kind} ${id}`
}

export function wordsOf({ kind, id }: Thing): string {
  return `the ${kind.replace('-', ' ')} ${id}`
}

/** The model and the number in `flights-late/3`. Throws `invalid` for anything else. */
export function versionIn(id: string): { model: string; version: number } {
  const [, model, version] = /^(.+)[/:](\d{1,9})$/s.exec(id) ?? []
  if (model === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(id)} names no model version; write it as flights-late/3`,
    )
  return { model, version: Number(version) }
}

/** The thing as it is kept: there is one way to write each name. Throws `invalid`. */
export function checkedThing({ kind, id }: Thing): Thing {
  if (id.includes('\0')) throw new Problem('invalid', 'an id has no NUL characters; correct it')
  if (kind === 'model-version') {
    const { model, version } = versionIn(id)
    return { kind, id: `${model}/${version}` }
  }
  if (kind !== 'experiment') return { kind, id }
  if (!/^\d{1,15}$/.test(id))
    throw new Problem('invalid', `${JSON.stringify(id)} is no experiment id; it is a whole number`)
  return { kind, id: String(Number(id)) }
}
