import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../settings/config.ts'

/** Folder of the server's own data cache for a project. */
export function cacheFolderOf(config: Pick<Config, 'home'>, project: string): string {
  return join(config.home, 'data', project)
}

/** Points a work tree at the cache that all of the server's runs of the project share. */
export async function useServerCache(folder: string, cache: string): Promise<void> {
  const local = join(folder, '.dvc', 'config.local')
  await mkdir(dirname(local), { recursive: true })
  await writeFile(local, `[cache]\n    dir = ${cache}\n`)
}
