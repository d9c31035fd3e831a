import type { CalledIn } from './workspace.ts'

/** The targets as data and stages; undefined for a kind that none of them is of. */
export interface CommitTargets {
  readonly data: readonly string[] | undefined
  readonly stages: readonly string[] | undefined
}

/** Sorts targets by their kind; with `withDeps` with all that they are made from. No target is everything. */
export async function withNeeded(
  here: CalledIn,
  targets: readonly string[],
  how: { withDeps: boolean },
): Promise<CommitTargets> {
  if (targets.length === 0) return { data: [], stages: [] }
  const outs = await here.data.outs()
  const { stages } = await here.pipelines.load()
  const addresses = new Set<string>()
  const data = new Set<string>()
  for (const target of targets) {
    const isWithin = (path: string) => path === target || path.startsWith(`${target}/`)
    const own = outs.filter(
      (out) =>
        isWithin(out.path) ||
        target.startsWith(`${out.path}/`) ||
        out.owner.file === target ||
        (out.owner.kind === 'stage' && out.owner.address === target),
    )
    const named = stages.filter(
      ({ address, file }) =>
        address === target || address.startsWith(`${target}@`) || file === target || isWithin(file),
    )
    for (const { owner } of own)
      if (owner.kind === 'stage') addresses.add(owner.address)
      else data.add(owner.file)
    for (const { address } of named) addresses.add(address)
    // What means nothing is said by whoever looks for it.
    if (own.length + named.length === 0) data.add(target)
  }
  if (how.withDeps)
    for (const name of await here.pipelines.withNeeds([...addresses, ...data]))
      if (stages.some(({ address }) => address === name)) addresses.add(name)
      else data.add(name)
  return {
    data: data.size === 0 ? undefined : [...data],
    stages: addresses.size === 0 ? undefined : [...addresses],
  }
}
