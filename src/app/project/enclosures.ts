import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Enclosure, Enclosures, ExecutionStep } from '#stages'
import { declaredIn } from './declared.ts'
import type { ProjectGround } from './ground.ts'

/** What keeps a project's stages to what they declare; loaded, and tried, when a stage is to be. */
export function enclosuresOf({ root, own, settings, variables }: ProjectGround): {
  enclosures: Enclosures
  enclose: (step: ExecutionStep) => Promise<Enclosure>
} {
  const loaded = once(() => import('#executors/hermetic/index'))
  const abilities = once(async () => (await loaded()).abilitiesOf(variables))
  const enclose = once(async () =>
    (await loaded()).enclosures({
      root,
      folder: join(own, 'rooms'),
      variables,
      linkedCache: settings.links.includes('symlink') ? settings.cacheFolder : undefined,
      abilities,
    }),
  )
  return {
    enclose: async (step) => (await enclose())(step),
    enclosures: {
      wish: once(async () => WISHES[String((await declaredIn(root)).hermetic)]),
      can: async (watch) => {
        const { isAble } = await loaded()
        const able = await abilities()
        const reason = able.reasons.length === 0 ? null : able.reasons.join('; ')
        return { can: isAble(able, watch), reason }
      },
      followed: followedIn(join(settings.cacheFolder, 'orrery', 'followed')),
    },
  }
}

/** Kept with the cache, which all work trees of a project share: an empty file for each. */
function followedIn(folder: string): NonNullable<Enclosures['followed']> {
  const place = (definition: string) => join(folder, definition)
  return {
    has: (definition) =>
      access(place(definition)).then(
        () => true,
        () => false,
      ),
    add: async (definition) => {
      await mkdir(folder, { recursive: true })
      await writeFile(place(definition), '')
    },
    remove: (definition) => rm(place(definition), { force: true }),
  }
}

/** By what orrery.yaml says of all stages. */
const WISHES: Readonly<Record<string, 'strict' | 'observe'>> = {
  true: 'strict',
  strict: 'strict',
  observe: 'observe',
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
