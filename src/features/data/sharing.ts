import { Problem } from '#base/problem'
import { chosen, type Choice } from './choosing.ts'
import type { Content } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import type { Out } from './out.ts'
import { addedRuns, lackingRuns } from './runs.ts'
import type { Moving, Remote } from './store.ts'
import { pulled, pushed, type Cargo, type Moved } from './transfer.ts'

export async function transferAll(
  dependencies: DataDependencies,
  what: Moving &
    Choice & {
      remote: string | undefined
      direction: 'push' | 'pull'
      runCache?: boolean
      allowMissing?: boolean
    },
): Promise<Moved> {
  const { cache, remote } = dependencies
  const outs = (await chosen(dependencies, what)).filter(({ out }) => moves(out, what))
  const byRemote = new Map<string | undefined, Cargo[]>()
  for (const { out, part } of outs) {
    if (out.content === undefined) continue
    // What is all here already needs no remote, which may not even be set up.
    if (what.direction === 'pull' && (await cache.holds(out.content))) continue
    const wanted = what.direction === 'pull' ? part : undefined
    const name = what.remote ?? out.remote
    const cargo = { path: out.path, content: out.content, part: wanted }
    byRemote.set(name, [...(byRemote.get(name) ?? []), cargo])
  }
  const runs = what.runCache === true ? await runsToMove(dependencies, what) : undefined
  const brought = runs?.brought ?? []
  if (brought.length > 0)
    byRemote.set(what.remote, [...(byRemote.get(what.remote) ?? []), ...brought])
  // A remote that does not exist is an error even when there is nothing to move.
  const isNamed = what.remote !== undefined || what.direction === 'push'
  if (byRemote.size === 0 && isNamed) await remote(what.remote)
  const total = { objects: 0, failed: [] as Moved['failed'][number][] }
  for (const [name, cargo] of byRemote) {
    const move = what.direction === 'push' ? pushed : pulled
    const place = await remoteFor(dependencies, name, what)
    if (place instanceof Problem) {
      total.failed.push(...lackingFrom(cargo, place))
      continue
    }
    place.learn?.(outs.map(({ out }) => out))
    const { objects, failed } = await move(cargo, cache, place, what)
    total.objects += objects
    total.failed.push(...failed)
  }
  if (runs === undefined) return total
  // After what they brought forth: what is remembered already is not looked at again.
  const { moved, failed } = await runs.move()
  return { objects: total.objects, failed: [...total.failed, ...failed], runs: moved }
}

/** Where nothing is a failure that is missing, neither is it that nobody set up a remote. */
async function remoteFor(
  { remote }: DataDependencies,
  name: string | undefined,
  { allowMissing = false }: { allowMissing?: boolean },
): Promise<Remote | Problem> {
  if (name !== undefined || !allowMissing) return remote(name)
  try {
    return await remote(name)
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return error
    throw error
  }
}

function lackingFrom(cargo: readonly Cargo[], { message }: Problem): Moved['failed'] {
  return cargo.map(({ path }) => ({ path, reason: message, absent: true }))
}

/** The runs that are not on the other side, and which of what they brought forth goes with them. */
async function runsToMove(
  dependencies: DataDependencies,
  { remote, direction }: { remote: string | undefined; direction: 'push' | 'pull' },
): Promise<{
  brought: Cargo[]
  move: () => Promise<{ moved: number | null; failed: Moved['failed'] }>
}> {
  const places = await dependencies.runs()
  const there = await places.at(remote)
  if (there === undefined) return { brought: [], move: async () => ({ moved: null, failed: [] }) }
  const [from, to] = direction === 'push' ? [places.here, there] : [there, places.here]
  const { found, failed } = await lackingRuns(places, { from, to })
  const brought: Cargo[] = []
  // On the way here it is brought when a run is to be restored: of most runs nobody ever asks.
  if (direction === 'push')
    for (const cargo of found.flatMap(({ outs }) => outs))
      if (await dependencies.cache.holds(cargo.content)) brought.push(cargo)
  return {
    brought,
    move: async () => {
      const refused = await addedRuns(to, found)
      return { moved: found.length - refused.length, failed: [...failed, ...refused] }
    },
  }
}

/** Brings contents into the cache, as far as the default remote has them. */
export async function broughtHere(
  { cache, remote }: DataDependencies,
  outs: readonly { path: string; content: Content }[],
  moving: Moving,
): Promise<void> {
  const lacking: Cargo[] = []
  for (const { path, content } of outs)
    if (!(await cache.holds(content))) lacking.push({ path, content, part: undefined })
  if (lacking.length > 0) await pulled(lacking, cache, await remote(undefined), moving)
}

function moves(
  out: Out,
  what: { remote: string | undefined; direction: 'push' | 'pull' },
): boolean {
  if (!out.cached || (what.direction === 'push' && !out.push)) return false
  return what.remote === undefined || out.remote === undefined || out.remote === what.remote
}
