import { chosen, type Choice } from './choosing.ts'
import type { DataDependencies } from './dependencies.ts'
import type { Out } from './out.ts'
import type { Moving } from './store.ts'
import { pulled, pushed, type Cargo, type Moved } from './transfer.ts'

export async function transferAll(
  dependencies: DataDependencies,
  what: Moving &
    Choice & {
      remote: string | undefined
      direction: 'push' | 'pull'
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
  // A remote that does not exist is an error even when there is nothing to push.
  if (byRemote.size === 0 && what.direction === 'push') await remote(what.remote)
  const total = { objects: 0, failed: [] as Moved['failed'][number][] }
  for (const [name, cargo] of byRemote) {
    const move = what.direction === 'push' ? pushed : pulled
    const place = await remote(name)
    place.learn?.(outs.map(({ out }) => out))
    const { objects, failed } = await move(cargo, cache, place, what)
    total.objects += objects
    total.failed.push(...failed)
  }
  return total
}

function moves(
  out: Out,
  what: { remote: string | undefined; direction: 'push' | 'pull' },
): boolean {
  if (!out.cached || (what.direction === 'push' && !out.push)) return false
  return what.remote === undefined || out.remote === undefined || out.remote === what.remote
}
