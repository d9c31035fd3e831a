import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { environment, type Config } from './config.ts'
import type { LocalClones } from './clones.ts'
import { cacheFolderOf, useServerCache } from './run-pipeline.ts'
import { openRemote } from './project-remote.ts'
import { readSettings } from './project-settings.ts'
import type { Project, Projects } from '#projects'
import { printTree, readTree } from '#protocols/dvc/tree'
import { openObjectFolder } from '#stores/dvc/objects'

/** A file of a dataset version: where its bytes lie, and what it is called in the project. */
export interface DatasetFile {
  readonly path: string
  readonly name: string
}

/** Finds the bytes of dataset versions for the monitors: in the server's cache, or fetched from the project's remote. */
export interface DatasetFiles {
  /** Null when the bytes are neither here nor on the remote: they were never pushed. */
  files(project: string, path: string, md5: string): Promise<DatasetFile[] | null>
}

export function datasetFiles({
  config,
  projects,
  clones,
}: {
  config: Config
  projects: Projects
  clones: LocalClones
}): DatasetFiles {
  const trees = { print: printTree, read: readTree }

  const preparing = new Map<string, Promise<string>>()

  /** A work tree of the project's newest commit, for its settings; those of earlier commits go. */
  const settingsOf = async (name: string): Promise<string> => {
    const project = await projects.get(name)
    const all = join(config.home, 'settings', name)
    const folder = join(all, project.commit)
    if (existsSync(join(folder, '.dvc', 'config.local'))) return folder
    const made = preparing.get(folder) ?? prepare(project, { all, folder })
    preparing.set(folder, made)
    return made.finally(() => preparing.delete(folder))
  }

  const prepare = async (
    { name, origin, commit }: Project,
    { all, folder }: { all: string; folder: string },
  ): Promise<string> => {
    await mkdir(all, { recursive: true })
    for (const earlier of await readdir(all)) await clones.dropWorkTree(origin, join(all, earlier))
    await clones.workTree(origin, commit, folder)
    await useServerCache(folder, cacheFolderOf(config, name))
    return folder
  }

  /** The remote of the project as its newest commit names it. */
  const remoteOf = async (name: string, cache: ReturnType<typeof openObjectFolder>) => {
    const folder = await settingsOf(name)
    const settings = readSettings(folder, environment)
    return openRemote(settings, undefined, { cache, trees, variables: environment })
  }

  return {
    files: async (project, path, md5) => {
      const cache = openObjectFolder({ folder: cacheFolderOf(config, project), trees })
      const have = async (wanted: readonly string[]) => {
        const missing = await cache.missing(wanted.map((each) => ({ md5: each, legacy: false })))
        if (missing.length === 0) return true
        const remote = await remoteOf(project, cache)
        return (await remote.download(missing)).length === 0
      }
      if (!(await have([md5]))) return null
      const fileAt = (hash: string, name: string) => ({
        path: cache.pathOf({ md5: hash, legacy: false }),
        name,
      })
      if (!md5.endsWith('.dir')) return [fileAt(md5, path)]
      const entries = (await cache.tree({ md5, sizeBytes: 0 })) ?? []
      if (!(await have(entries.map((entry) => entry.md5)))) return null
      return entries.map((entry) => fileAt(entry.md5, `${path}/${entry.path}`))
    },
  }
}
