import type { Workspace } from '#data'
import { divided, partsChange, type PartsChange } from './parts.ts'
import type { PartsKeeping } from './keeping.ts'
import type { Stage } from '../stage.ts'

export interface PartsReason extends PartsChange {
  readonly kind: 'parts'
  /** The folder that they lie in. */
  readonly path: string
}

/** Of a stage that runs by parts: how these differ from when it last finished. */
export async function partsReasons(
  { workspace, parts: keeping }: { workspace: Workspace; parts: PartsKeeping },
  { parts, address }: Stage,
): Promise<PartsReason[]> {
  if (parts === undefined) return []
  const entries = (await workspace.measure(parts.input))?.entries
  if (entries === undefined) return []
  const before = (await keeping.lastParts(address)) ?? new Map<string, string>()
  const change = partsChange(before, divided(entries, parts.glob).parts)
  return [{ kind: 'parts', path: parts.input, ...change }]
}

/** How many of each, without their names. */
export function partsInWords({ path, added, modified, deleted, same }: PartsReason): string {
  const counts = [
    [added.length, 'new'],
    [modified.length, 'changed'],
    [deleted.length, 'removed'],
    [same, 'as before'],
  ] as const
  const said = counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]))
  return `parts of ${path}: ${said.length === 0 ? 'none' : said.join(', ')}`
}
