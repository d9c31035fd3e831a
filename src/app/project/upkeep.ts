import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import {
  createUpkeep,
  exclusively,
  type Out,
  type ProjectLock,
  type ProjectReads,
  type Remote,
  type Upkeep,
  type Workspace,
} from '#data'
import type { LoadedPipelines } from '#stages'
import { readRun, runKey, runValue } from '#protocols/dvc/run-cache'
import { readTree } from '#protocols/dvc/tree'
import { gitRootOf } from '#stores/dvc/git'
import { brokenLinksBelow } from '#stores/dvc/broken-links'
import type { ObjectFolder } from '#stores/dvc/objects'
import { openRunEntries } from '#stores/dvc/run-entries'
import { openFolderShelf } from '#stores/dvc/shelf'
import { openProjectFiles } from './files.ts'
import { openRevisions } from './revisions.ts'
import { openRemoteShelf } from './remote.ts'
import { readSettings, type ProjectSettings } from './settings.ts'
import { outsOf } from './walk.ts'

/** Upkeep of one project's cache and remotes. */
export function openUpkeep(options: {
  root: string
  settings: ProjectSettings
  variables: Readonly<Record<string, string | undefined>>
  workspace: Workspace
  cache: ObjectFolder
  remote: (name: string | undefined) => Promise<Remote>
  locks: readonly ProjectLock[]
  clock: Clock
}): Upkeep {
  const { settings, clock, variables } = options
  const shelf = openFolderShelf({ name: 'the cache', folder: settings.cacheFolder })
  const upkeep = createUpkeep({
    ...options,
    ...projectReads(options.root, settings),
    shelf,
    shelfOf: (name) => openRemoteShelf(settings, name, variables),
    readList: readTree,
    brokenLinks: async (path) => brokenLinksBelow(options.root, path),
    runs: openRunEntries({
      folder: settings.cacheFolder,
      format: { read: readRun, key: runKey, value: runValue },
      isThere: async (object) => (await shelf.look(object)) !== undefined,
    }),
    projectAt: async (path) => {
      if (!existsSync(join(path, '.dvc')))
        throw new Problem(
          'not-found',
          `${path} is no project, so what it needs cannot be told; name the root of one, where .dvc is`,
        )
      const other = resolve(path)
      return projectReads(other, readSettings(other, variables))
    },
    nowMs: () => clock.nowMs(),
  })
  return withParts(upkeep, options)
}

/** What unfinished runs by parts have brought forth stays; what went is forgotten, by the results of parts as well. */
function withParts(upkeep: Upkeep, options: Parameters<typeof openUpkeep>[0]): Upkeep {
  const { settings, cache, clock, locks } = options
  const folder = settings.cacheFolder
  const forget = () =>
    exclusively(locks, async () => {
      const { forgetLostParts } = await import('#stores/dvc/parts-upkeep')
      await forgetLostParts(folder, cache)
      await cache.forgetGone()
    })
  return {
    ...upkeep,
    collect: async (request, how) => {
      const { unfinishedParts } = await import('#stores/dvc/parts-upkeep')
      const wanted = {
        ...request,
        // Asked for when nobody else changes anything.
        get kept() {
          const parts = unfinishedParts(folder, clock.nowMs()).map(({ md5, path }) => ({
            object: { md5, legacy: false },
            path,
            what: 'a run by parts that did not finish',
          }))
          return [...(request.kept ?? []), ...parts]
        },
      }
      const collected = await upkeep.collect(wanted, how)
      if (collected.places !== undefined) await forget()
      return collected
    },
    scrub: async (request) => {
      const scrubbed = await upkeep.scrub(request)
      if (request.dry !== true) await forget()
      return scrubbed
    },
  }
}

/** What the files of a project say, all of it or nothing. */
function projectReads(root: string, settings: ProjectSettings): ProjectReads {
  const { commandStyle } = settings
  const files = openProjectFiles({ root, commandStyle })
  const revisions = openRevisions(root, { commandStyle })
  return {
    allOuts: async () => allOf(await files.load(), ''),
    revisions:
      settings.versionControl && gitRootOf(root) !== undefined
        ? {
            ...revisions,
            outsAt: async (commit) => {
              const loaded = await revisions.load(commit)
              return loaded === undefined ? [] : allOf(loaded, ` of commit ${commit.slice(0, 7)}`)
            },
          }
        : undefined,
  }
}

function allOf(loaded: LoadedPipelines, when: string): Out[] {
  const broken = loaded.problems[0]
  if (broken !== undefined) throw new Problem('invalid', `${broken.file}${when}: ${broken.message}`)
  return outsOf(loaded)
}
