import { posix } from 'node:path'
import type { DataDependencies } from './dependencies.ts'
import { nameOf, selected, type Out, type Selection } from './out.ts'
import type { RevisionSelection } from './history/revisions.ts'

/** Which outs are meant: those of the workspace, and of the revisions that are asked for as well. */
export interface Choice {
  readonly targets: readonly string[]
  readonly revisions?: RevisionSelection
  /** Targets are patterns. */
  readonly glob?: boolean
  /** Of these only what this says yes to. */
  readonly only?: (out: Out) => boolean
}

/** Throws `not-found` for a target that means nothing in the workspace nor in any of the revisions. */
export async function chosen(
  { catalog, revisions }: Pick<DataDependencies, 'catalog' | 'revisions'>,
  choice: Choice,
): Promise<Selection[]> {
  const outs = await catalog.outs()
  if (choice.revisions !== undefined && revisions !== undefined) {
    for (const { commit } of await revisions.all(choice.revisions))
      outs.push(...(await revisions.outsAt(commit)))
  }
  const each = withoutTwins(outs)
  const targets =
    choice.glob === true
      ? choice.targets.flatMap((pattern) => matching(each, pattern))
      : choice.targets
  return selected(each, targets).filter(({ out }) => choice.only?.(out) ?? true)
}

/** Most of what two commits say is the same. */
function withoutTwins(outs: readonly Out[]): Out[] {
  const named = outs.map((out): [string, Out] => [
    `${out.path}\0${nameOf(out.owner)}\0${out.content?.md5 ?? ''}`,
    out,
  ])
  // The first one stays: the workspace knows best what may be pushed, and where.
  return [...new Map(named.toReversed()).values()].toReversed()
}

/** The pattern itself where nothing matches, so that it is told as a target that means nothing. */
function matching(outs: readonly Out[], pattern: string): string[] {
  const names = outs.flatMap((out) => [out.path, out.owner.file, nameOf(out.owner)])
  const found = [...new Set(names)].filter((name) => posix.matchesGlob(name, pattern))
  return found.length === 0 ? [pattern] : found
}
