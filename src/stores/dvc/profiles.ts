import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ProfileStore, TableProfile } from '#tables'
import { writeWhole } from './atomic.ts'

/** Profiles beside the objects of the cache, in a folder that dvc does not look into. They may be lost: they are made again. */
export function openProfiles(cacheFolder: string): ProfileStore {
  const fileOf = (digest: string) =>
    join(cacheFolder, 'orrery', 'profiles', digest.slice(0, 2), `${digest.slice(2)}.json`)
  return {
    find: async (digest) => {
      const file = fileOf(digest)
      if (!existsSync(file)) return undefined
      try {
        return JSON.parse(readFileSync(file, 'utf8')) as TableProfile
      } catch {
        // Somebody cut it short: as good as not there.
        return undefined
      }
    },
    save: async (digest, profile) => {
      const file = fileOf(digest)
      try {
        mkdirSync(dirname(file), { recursive: true })
        writeWhole(file, `${JSON.stringify(profile)}\n`)
      } catch (error) {
        // Who may only read the cache has the profile all the same, and makes it again next time.
        if (!['EACCES', 'EROFS', 'EPERM'].includes((error as { code?: string }).code ?? ''))
          throw error
      }
    },
  }
}
