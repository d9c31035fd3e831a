import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { environment, type Config } from '../settings/config.ts'
import type { LocalClones } from './clones.ts'
import { cacheFolderOf, useServerCache } from './server-cache.ts'
import { openRemote } from '../project/remote.ts'
import { readSettings, remoteNamed, type ProjectSettings } from '../project/settings.ts'
import { Problem } from '#base/problem'
import type { Project, Projects } from '#projects'
import { printTree, readTree } from '#protocols/dvc/tree'
import { openObjectFolder } from '#stores/dvc/objects'

/** A file of a dataset version: where its bytes lie, and what it is called in the project. */
export interface DatasetFile {
  readonly path: string
  readonly name: string
}

/** Finds the bytes of dataset versions: in the server's cache, or fetched from the project's remote. */
export interface DatasetFiles {
  /** Null when the bytes are neither here nor on the remote: they were never pushed. */
  files(project: string, path: string, md5: string): Promise<DatasetFile[] | null>
  /** The same; throws `not-found` with where they were looked for. */
  get(project: string, path: string, md5: string): Promise<DatasetFile[]>
  /** Whether the project's newest commit holds the path itself, as it does code; of data it holds the hashes only. */
  isInGit(project: string, path: string): Promise<boolean>
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
  const remoteOf = async (name: string) => {
    const settings = readSettings(await settingsOf(name), environment)
    return { settings, ...remoteNamed(settings, undefined) }
  }
  const found = finder(config, async (project) => (await remoteOf(project)).settings)

  return {
    files: async (project, path, md5) => {
      const files = await found(project, path, md5)
      return typeof files === 'string' ? null : files
    },
    get: async (project, path, md5) => {
      const files = await found(project, path, md5)
      if (typeof files !== 'string') return files
      const { name, url } = await remoteOf(project)
      throw new Problem(
        'not-found',
        `the bytes of ${path}@${md5} are neither in this server's cache nor on the remote ${name} (${withoutSecrets(url)}): ${files}; run "orrery push" where they are, and ask again`,
      )
    },
    isInGit: async (project, path) => existsSync(join(await settingsOf(project), path)),
  }
}

const trees = { print: printTree, read: readTree }

/** Gives the files of a version, or what is wrong with the first that is nowhere. */
function finder(config: Config, settingsOf: (project: string) => Promise<ProjectSettings>) {
  return async (project: string, path: string, md5: string): Promise<DatasetFile[] | string> => {
    const cache = openObjectFolder({ folder: cacheFolderOf(config, project), trees })
    const lost = async (wanted: readonly string[]): Promise<string | undefined> => {
      const missing = await cache.missing(wanted.map((each) => ({ md5: each, legacy: false })))
      if (missing.length === 0) return undefined
      const settings = await settingsOf(project)
      const remote = await openRemote(settings, undefined, { cache, trees, variables: environment })
      return (await remote.download(missing))[0]?.reason
    }
    const whole = await lost([md5])
    if (whole !== undefined) return whole
    const fileAt = (hash: string, name: string) => ({
      path: cache.pathOf({ md5: hash, legacy: false }),
      name,
    })
    if (!md5.endsWith('.dir')) return [fileAt(md5, path)]
    const entries = (await cache.tree({ md5, sizeBytes: 0 })) ?? []
    const part = await lost(entries.map((entry) => entry.md5))
    return part ?? entries.map((entry) => fileAt(entry.md5, `${path}/${entry.path}`))
  }
}

/** An address may have a password in it. */
function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}
