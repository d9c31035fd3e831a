import { existsSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '#base/clock'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { movingSteps, type Courier, type DataStep, type Remote } from '#data'
import { openHashCache } from '#stores/dvc/hash-cache'
import { openObjectFolder, type ObjectFolder } from '#stores/dvc/objects'
import { openWorkspace } from '#stores/dvc/workspace'

interface PassageHow {
  /** Belongs to passages alone. Whoever sends holds the project's lock, so what is there is left over. */
  readonly folder: string
  readonly trees: Parameters<typeof openObjectFolder>[0]['trees']
  readonly clock: Clock
}

/** A cache for what only passes through on its way to a remote. */
export function openPassage({ folder, trees, clock }: PassageHow): {
  place: string
  cache: ObjectFolder
  close: () => Promise<void>
} {
  rmSync(folder, { recursive: true, force: true })
  const place = join(folder, randomIds.ulid())
  return {
    place,
    cache: openObjectFolder({
      folder: join(place, 'cache'),
      trees,
      notes: join(place, 'notes'),
      clock,
    }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Copies what is sent into a folder of its own, from where it goes to the remote; not into the cache. */
export function courierOf(
  options: PassageHow & {
    onStep: ((step: DataStep) => void) | undefined
    remote: (name: string | undefined, cache: ObjectFolder) => Promise<Remote>
  },
): (source: string, remote: string | undefined) => Promise<Courier> {
  const { trees, clock, onStep } = options
  return async (source, name) => {
    if (!existsSync(source))
      throw new Problem('not-found', `cannot add ${source}: there is no such file or folder`)
    const { place, cache, close } = openPassage(options)
    const remote = await options.remote(name, cache)
    const workspace = openWorkspace({
      root: dirname(source),
      clock,
      trees,
      cache,
      onStep,
      hashes: openHashCache(join(place, 'hashes')),
      links: ['copy'],
      rulesIn: () => Object.assign(() => false, { plain: true }),
    })
    return {
      workspace,
      cache,
      remote,
      moving: movingSteps('sent', onStep),
      path: basename(source),
      close,
    }
  }
}
