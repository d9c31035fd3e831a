import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createDatasets,
  type CommitNote,
  type CommitNotes,
  type Datasets,
  type VersionProfiler,
} from '#datasets'
import type { Projects } from '#projects'
import { createTables } from '#tables'
import type { Tracking } from '#tracking'
import { openTableEngine } from '#stores/analytics/duckdb/tables/open'
import { openProfiles } from '#stores/dvc/profiles'
import type { LocalClones } from './clones.ts'
import type { DatasetFile, DatasetFiles } from './dataset-files.ts'
import { git } from './git.ts'
import type { Ground } from '../ground.ts'
import { tableLogs } from '../project/table-logs.ts'

interface Around {
  readonly projects: Projects
  readonly clones: LocalClones
  readonly tracking: Tracking
  readonly files: DatasetFiles
}

/** What is on record of datasets, with the commits and the bytes that this server can reach. */
export function datasetsOf(ground: Ground, around: Around): Datasets {
  const { store, config } = ground
  return createDatasets({
    read: store.read,
    transact: store.transact,
    projects: around.projects,
    tracking: around.tracking,
    commits: commitNotes(around),
    profiler: profilerOf(ground, around),
    kept: openProfiles(join(config.home, 'data')),
  })
}

/** A profile is made beside a server that answers: it takes its time, and not its memory. */
const MEMORY_MB = 512
const THREADS = 2

function profilerOf({ config, onStop }: Ground, { files }: Around): VersionProfiler {
  const spillFolder = join(config.home, 'spill')
  const engine = openTableEngine({ memoryMb: MEMORY_MB, threads: THREADS, spillFolder })
  onStop(() => engine.close())
  return {
    profile: async ({ project, path, md5 }, onProgress) => {
      await mkdir(spillFolder, { recursive: true })
      const here = await files.get(project, path, md5)
      const isFolder = md5.endsWith('.dir')
      const tables = createTables({
        sources: {
          find: async () => ({
            kind: isFolder ? 'folder' : 'file',
            files: here.map((file) => foundFile(file, isFolder ? path : undefined)),
          }),
        },
        logs: tableLogs,
        engine,
        profiles: undefined,
      })
      const table = await tables.at(path)
      return (await tables.profile(table, { onProgress })).profile
    },
  }
}

/** In a folder, a file is known by its name below it. */
function foundFile({ path, name }: DatasetFile, folder: string | undefined) {
  const shown = folder === undefined ? name : name.slice(folder.length + 1)
  return { path, name: shown, sizeBytes: statSync(path).size, md5: undefined }
}

/** The words of commits, out of the server's own mirror; they never change. */
function commitNotes({ projects, clones }: Around): CommitNotes {
  const known = new Map<string, CommitNote>()
  const noteOf = async (mirror: string, path: string, commit: string) => {
    const key = `${mirror}\0${path}\0${commit}`
    const note = known.get(key) ?? (await lastChange(mirror, path, commit))
    if (note === undefined) return undefined
    if (known.size >= NOTES_MAX) known.clear()
    known.set(key, note)
    return note
  }
  return {
    of: async ({ project: name, path }, commits) => {
      const project = (await projects.list()).find((each) => each.name === name)
      const notes = new Map<string, CommitNote>()
      if (project === undefined) return notes
      const mirror = clones.mirrorOf(project.origin)
      const hashes = commits.filter((commit) => /^[0-9a-f]{40,64}$/.test(commit))
      for (let at = 0; at < hashes.length; at += AT_A_TIME)
        await Promise.all(
          hashes.slice(at, at + AT_A_TIME).map(async (commit) => {
            const note = await noteOf(mirror, path, commit)
            if (note !== undefined) notes.set(commit, note)
          }),
        )
      return notes
    },
  }
}

const NOTES_MAX = 10_000
const AT_A_TIME = 4

/** A server sees a branch now and then: the commit that it saw is seldom the one that changed the data. */
async function lastChange(
  mirror: string,
  path: string,
  commit: string,
): Promise<CommitNote | undefined> {
  const log = (...rest: string[]) =>
    git(mirror, ['log', '-1', '--no-notes', `--format=${FORMAT}`, commit, ...rest]).catch(() => '')
  return notedIn(await log('--', `:(literal)${path}.dvc`)) ?? notedIn(await log())
}

/** Parts of a commit, apart by a character that no name and no message has. */
const FORMAT = '%H%x1f%an%x1f%aI%x1f%B'
const MESSAGE_CHARS_MAX = 2000

function notedIn(text: string): CommitNote | undefined {
  const [hash = '', author = '', time = '', message = ''] = text.split('\x1f')
  const atMs = Date.parse(time)
  if (Number.isNaN(atMs)) return undefined
  return { commit: hash, author, atMs, message: message.trim().slice(0, MESSAGE_CHARS_MAX) }
}
