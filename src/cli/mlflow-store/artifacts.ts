import { createReadStream, existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'
import { pathOfUri } from '#tracking'
import type { RestClient } from './rest-client.ts'
import type { Located, Owner, SourceFile, SourceFolder } from './source.ts'

/** Where artifacts of a store may be looked for. */
export interface Places {
  /** The server that hands out what is kept by it, if one is asked. */
  readonly server?: RestClient
  /** A folder that stands for the root of the artifacts, named by the user. */
  readonly folder?: string
  /** Folders where a store of this kind has them unless told otherwise. */
  readonly usual: readonly string[]
}

/** Finds the artifacts of a run or a logged model by the address that the store has of them. */
export async function locate(places: Places, owner: Owner, uri: string): Promise<Located> {
  const own = pathOfUri(uri)
  if (own !== undefined) return locateServed(places, uri, own)
  const path = diskPath(uri)
  if (path === undefined) {
    const copy = copyBelow(places.folder, uri.replace(/^[\w+.-]+:\/+/, ''))
    return copy === undefined ? { kind: 'elsewhere' } : onDisk(copy)
  }
  const tail = tailOf(owner)
  const near = [places.folder, ...places.usual].flatMap((root) =>
    root === undefined ? [] : [join(root, tail)],
  )
  const there = [path, ...near].find((each) => existsSync(each)) ?? copyBelow(places.folder, path)
  if (there !== undefined) return onDisk(there)
  if (places.server !== undefined) return listedBy(places.server, owner)
  // Folders are made with the first file, so where their root is there are none.
  const root = path.split(/[/\\]/).slice(0, -tail.split('/').length).join(sep)
  if (
    existsSync(root) ||
    near.some((each) => existsSync(join(each, ...Array<string>(tail.split('/').length).fill('..'))))
  )
    return onDisk(path)
  return {
    kind: 'lost',
    reason: `${path} is not on this machine; say with --artifacts where its files are`,
  }
}

async function locateServed(places: Places, uri: string, path: string): Promise<Located> {
  const roots = places.folder === undefined ? places.usual : [places.folder]
  for (const root of roots) if (existsSync(join(root, path))) return onDisk(join(root, path))
  if (places.server !== undefined) return { kind: 'folder', folder: served(places.server, path) }
  if (roots.some((root) => existsSync(root))) return onDisk(join(roots[0] ?? '', path))
  return {
    kind: 'lost',
    reason: `${uri} is kept by an MLflow server; name its folder of artifacts, or its address, with --artifacts`,
  }
}

function tailOf({ experimentId, kind, id }: Owner): string {
  return kind === 'run'
    ? `${experimentId}/${id}/artifacts`
    : `${experimentId}/models/${id}/artifacts`
}

/** The path of an address on this machine's disk. */
function diskPath(uri: string): string | undefined {
  if (uri.startsWith('file:')) {
    try {
      return fileURLToPath(new URL(uri))
    } catch {
      // Windows paths and hosts of long ago.
      return uri.replace(/^file:\/*/, '/')
    }
  }
  return /^[A-Za-z][\w+.-]+:/.test(uri) ? undefined : uri
}

/** The folder below `root` that the longest end of a path names. */
function copyBelow(root: string | undefined, path: string): string | undefined {
  if (root === undefined) return undefined
  const parts = path.split(/[/\\]/).filter((part) => part !== '' && part !== '..')
  for (let start = 0; start < parts.length - 1; start++) {
    const candidate = join(root, ...parts.slice(start))
    if (existsSync(candidate)) return candidate
  }
  return undefined
}

function onDisk(root: string): Located {
  return { kind: 'folder', folder: diskFolder(root) }
}

/** The files below a folder; none when it is not there. Links are followed to files only. */
function diskFolder(root: string): SourceFolder {
  return {
    files: () => filesBelow(root, ''),
    open: async (path) => createReadStream(join(root, path)),
  }
}

async function* filesBelow(root: string, folder: string): AsyncIterable<SourceFile> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && folder === '') return []
      throw new Problem('unavailable', `${join(root, folder)} cannot be read: ${error.message}`)
    },
  )
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(root, path)
    else {
      const found = await stat(join(root, path)).catch(() => undefined)
      if (found?.isFile() === true) yield { path, sizeBytes: found.size }
      else throw new Problem('unavailable', `${join(root, path)} is no file that can be read`)
    }
  }
}

interface Listing {
  readonly files?: readonly { path: string; is_dir?: boolean; file_size?: number | string }[]
}

const FILES = '/api/2.0/mlflow-artifacts/artifacts'

/** What a server hands out of its artifact tree. */
export function served(server: RestClient, root: string): SourceFolder {
  return {
    files: () =>
      walk('', async (folder) => {
        const path = folder === '' ? root : `${root}/${folder}`
        const { files = [] } = await server.get<Listing>(FILES, { path })
        return files.map(({ path: named, ...file }) =>
          Object.assign(file, {
            path: (folder === '' ? '' : `${folder}/`) + (named.split('/').at(-1) ?? ''),
          }),
        )
      }),
    open: (path) => opened(server, `${FILES}/${encoded(`${root}/${path}`)}`),
  }
}

/** What a server lists of a run or a logged model whose files are on its own disk. */
function listedBy(server: RestClient, { kind, id }: Owner): Located {
  const model = `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts`
  const folder: SourceFolder = {
    files: () =>
      walk('', async (path) => {
        const { files = [] } =
          kind === 'run'
            ? await server.get<Listing>('/api/2.0/mlflow/artifacts/list', {
                run_id: id,
                ...(path === '' ? {} : { path }),
              })
            : await server.get<Listing>(
                `/api/2.0/mlflow/logged-models/${id}/artifacts/directories`,
                path === '' ? {} : { artifact_directory_path: path },
              )
        return files
      }),
    open: (path) =>
      kind === 'run'
        ? opened(server, '/get-artifact', { run_uuid: id, path })
        : opened(server, `${model}/files`, { artifact_file_path: path }),
  }
  return { kind: 'folder', folder }
}

async function* walk(
  folder: string,
  list: (folder: string) => Promise<NonNullable<Listing['files']>>,
): AsyncIterable<SourceFile> {
  for (const entry of await list(folder))
    if (entry.is_dir === true) yield* walk(entry.path, list)
    else yield { path: entry.path, sizeBytes: Number(entry.file_size ?? 0) }
}

async function opened(server: RestClient, path: string, query = {}): Promise<Readable> {
  const answer = await server.fetch(path, query)
  if (answer === undefined) throw new Problem('not-found', `${server.url}${path} is gone`)
  return answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body)
}

export function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
