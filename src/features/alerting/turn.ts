import type { Ids } from '#base/ids'
import type { WorkWrites } from '#work'
import type { Group } from './group.ts'

export const TELL_GROUP = 'tell-alerts'

/** The group with a job that looks at it at `atMs` or before; a job whose turn was given to another does nothing. */
export async function withTurn(
  group: Group,
  atMs: number,
  { work, ids }: { work: WorkWrites; ids: Ids },
): Promise<Group> {
  if (group.turn !== null && group.turn.atMs <= atMs) return group
  return newTurn(group, atMs, { work, ids })
}

export async function newTurn(
  group: Group,
  atMs: number,
  { work, ids }: { work: WorkWrites; ids: Ids },
): Promise<Group> {
  const key = `${TELL_GROUP}:${group.id}:${ids.ulid()}`
  await work.enqueue([{ kind: TELL_GROUP, key, payload: { group: group.id }, runAfterMs: atMs }])
  return { ...group, turn: { key, atMs } }
}
