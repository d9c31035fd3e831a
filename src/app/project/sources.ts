import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import {
  movingSteps,
  type DataStep,
  type KeptPath,
  type Moving,
  type ObjectName,
  type OpenSource,
  type Out,
  type Source,
  type SourceFile,
  type SourceRequest,
} from '#data'
import { mergedConfig, readConfig, remoteSection, type DvcConfig } from '#protocols/dvc/config'
import { sizeInCache, takeBytes, takeFile } from '#stores/dvc/arrivals'
import type { TreeFormat } from '#stores/dvc/measure'
import type { ObjectFolder } from '#stores/dvc/objects'
import { openFolderRemote } from '#stores/dvc/remote'
import { repositoryAt, type Repository } from './mirrors.ts'
import { readLevel, readLevels, withAbsolutePaths } from './config.ts'
import { openProjectFiles } from './files.ts'
import { parentOf } from './tree.ts'
import { openRevisions, type ProjectRevisions } from './revisions.ts'
import { openRemote } from './remote.ts'
import { remoteNamed, settingsOf, type ProjectSettings } from './settings.ts'

export interface SourcesGround {
  /** Folder that relative addresses count from. */
  readonly base: string
  /** Where mirrors of repositories elsewhere are kept. */
  readonly mirrors: string
  /** Where what is taken goes. */
  readonly cache: ObjectFolder
  readonly trees: TreeFormat
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Told how far what is taken has come. */
  readonly onStep?: ((step: DataStep) => void) | undefined
}

type Reads = Pick<Source, 'commit' | 'outs' | 'kept' | 'close'> & {
  /** Puts a file that version control keeps into the cache. */
  readonly take: (path: string, moving: Moving) => Promise<{ md5: string; sizeBytes: number }>
  readonly settings: ProjectSettings
}

const STYLE = { bool: 'store_true', list: 'nargs' } as const

/** Opens other repositories: folders of this machine, and addresses that Git knows how to reach. */
export function openSources(ground: SourcesGround): OpenSource {
  return async (request) => {
    const repository = await repositoryAt(request.url, ground)
    const reads =
      request.rev === undefined && request.asItStands === true && repository.isLocal
        ? asItStands(repository, request, ground)
        : await atCommit(repository, request, ground)
    const trees = new Map<Out, Awaited<ReturnType<Source['tree']>>>()
    const objects = objectsOf(repository, reads.settings, ground)
    return {
      url: request.url,
      commit: reads.commit,
      outs: reads.outs,
      kept: reads.kept,
      close: reads.close,
      tree: async (out) => {
        const { content } = out
        if (content === undefined) return undefined
        if (trees.has(out)) return trees.get(out)
        const object = { md5: content.md5, legacy: content.legacy ?? false }
        const failed = await objects.fetch([object], { out })
        if (failed.length > 0) throw notHad(request.url, out.path, failed[0]?.reason)
        const tree = await ground.cache.tree(content)
        trees.set(out, tree)
        return tree
      },
      take: (files) => taken(files, { request, reads, objects, ground }),
      addressOf: objects.addressOf,
    }
  }
}

function asItStands(
  { folder }: Repository,
  request: SourceRequest,
  { variables, cache }: SourcesGround,
): Reads {
  const config = existsSync(join(folder, '.dvc'))
    ? readLevels({ root: folder, variables })
    : new Map()
  const settings = requested(config, folder, request)
  const files = openProjectFiles({ root: folder, commandStyle: settings.commandStyle })
  const ignores = (path: string, kind: 'file' | 'folder') =>
    files.rulesIn(parentOf(path))(path, kind)
  return {
    commit: undefined,
    settings,
    outs: () => files.outs(),
    kept: async (path, how) => {
      const whole = inside(folder, path)
      const isFolder = statSync(whole, { throwIfNoEntry: false })?.isDirectory() === true
      if (!isFolder) return undefined
      return keptOnDisk(folder, path, { ...how, ignores })
    },
    take: (path, moving) => {
      const whole = inside(folder, path)
      moving.onMore?.(1)
      moving.onSize?.(1, statSync(whole, { throwIfNoEntry: false })?.size ?? 0)
      return takeFile(cache, whole, moving)
    },
    close: () => {},
  }
}

/** Never a path outside of the repository, whatever was asked for. */
function inside(folder: string, path: string): string {
  const whole = resolve(folder, path)
  if (whole !== resolve(folder) && !whole.startsWith(`${resolve(folder)}/`))
    throw new Problem('invalid', `${path} is outside the repository ${folder}`)
  return whole
}

function keptOnDisk(
  root: string,
  top: string,
  how: { deep: boolean; ignores: (path: string, kind: 'file' | 'folder') => boolean },
): KeptPath[] {
  const kept: KeptPath[] = []
  const take = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      const kind = entry.isDirectory() ? 'folder' : 'file'
      if (how.ignores(path, kind)) continue
      const stats = statSync(join(root, path), { throwIfNoEntry: false })
      if (stats === undefined || (entry.isSymbolicLink() && stats.isDirectory())) continue
      kept.push({
        path,
        kind,
        executable: kind === 'file' && (stats.mode & 0o111) !== 0,
        sizeBytes: stats.size,
      })
      if (kind === 'folder' && how.deep) take(path)
    }
  }
  take(top)
  return kept
}

async function atCommit(
  repository: Repository,
  request: SourceRequest,
  ground: SourcesGround,
): Promise<Reads> {
  const revisions = openRevisions(repository.folder, {
    commandStyle: STYLE,
    ...(repository.isLocal ? {} : { prefix: '' }),
  })
  const commit = await commitOf(repository, revisions, request)
  const file = await revisions.read(commit, '.dvc/config')
  const { folder } = repository
  const own = file === undefined ? new Map() : readConfig(Buffer.from(file).toString()).value
  const place = { root: folder, variables: ground.variables }
  const levels: DvcConfig[] = [
    readLevel(place, 'system'),
    readLevel(place, 'global'),
    withAbsolutePaths(own, join(folder, '.dvc')),
    ...(repository.isLocal ? [readLevel(place, 'local')] : []),
  ]
  return {
    commit,
    settings: requested(mergedConfig(levels), folder, request),
    outs: () => revisions.outsAt(commit),
    kept: async (path, how) => (await revisions.kept(commit, path, how))?.filter(isNotOfDvc),
    take: async (path) => {
      const bytes = await revisions.read(commit, path)
      if (bytes === undefined) throw notHad(request.url, path, 'Git does not keep it there')
      return takeBytes(ground.cache, bytes)
    },
    close: () => revisions.close(),
  }
}

/** What DVC keeps of itself is nothing that anybody lists or takes. */
function isNotOfDvc({ path }: KeptPath): boolean {
  return path !== '.dvc' && !path.startsWith('.dvc/')
}

async function commitOf(
  repository: Repository,
  revisions: ProjectRevisions,
  { rev = 'HEAD', known }: SourceRequest,
): Promise<string> {
  if (known !== true) await repository.refresh()
  try {
    return (await revisions.resolve(rev)).commit
  } catch (error) {
    if (known !== true || !(error instanceof Problem)) throw error
    await repository.refresh()
    return (await revisions.resolve(rev)).commit
  }
}

/** The repository's settings with those of the request laid over them. */
function requested(config: DvcConfig, root: string, request: SourceRequest): ProjectSettings {
  const { remote, remoteConfig } = request
  const over = new Map<string, Map<string, string>>()
  const name = typeof remote === 'string' ? remote : config.get('core')?.get('remote')
  if (typeof remote === 'string') over.set('core', new Map([['remote', remote]]))
  const options = { ...(typeof remote === 'object' ? remote : {}), ...remoteConfig }
  if (Object.keys(options).length > 0) {
    const wanted = name ?? 'given'
    over.set('core', new Map([['remote', wanted]]))
    over.set(remoteSection(wanted), new Map(Object.entries(options)))
  }
  const file = request.config === undefined ? [] : [readConfigFile(request.config)]
  return settingsOf(mergedConfig([config, ...file, over]), root)
}

function readConfigFile(file: string): DvcConfig {
  if (!existsSync(file)) throw new Problem('not-found', `there is no file of settings ${file}`)
  return withAbsolutePaths(readConfig(readFileSync(file, 'utf8')).value, dirname(resolve(file)))
}

interface SourceObjects {
  fetch(
    objects: readonly ObjectName[],
    what: { out: Out; moving?: Moving },
  ): Promise<{ object: ObjectName; reason: string }[]>
  addressOf(object: ObjectName, out: Out): Promise<string>
}

/** A repository here has its own cache; then its remote is asked. */
function objectsOf(
  repository: Repository,
  settings: ProjectSettings,
  { cache, trees, variables }: SourcesGround,
): SourceObjects {
  const own = { name: 'cache', folder: settings.cacheFolder, cache, trees }
  const remoteOf = async (out: Out) => {
    const remote = await openRemote(settings, out.remote, { cache, trees, variables })
    remote.learn?.([out])
    return remote
  }
  return {
    fetch: async (objects, { out, moving = {} }) => {
      let missing = await cache.missing(objects)
      moving.onMore?.(missing.length)
      if (missing.length > 0 && repository.isLocal && existsSync(settings.cacheFolder)) {
        await openFolderRemote(own).download(missing, moving)
        missing = await cache.missing(missing)
      }
      return missing.length === 0 ? [] : (await remoteOf(out)).download(missing, moving)
    },
    addressOf: async ({ md5, legacy }, out) => {
      const { url } = remoteNamed(settings, out.remote)
      const path = `${md5.slice(0, 2)}/${md5.slice(2)}`
      return `${url.replace(/\/$/, '')}/${legacy ? '' : 'files/md5/'}${path}`
    },
  }
}

async function taken(
  files: readonly SourceFile[],
  from: { request: SourceRequest; reads: Reads; objects: SourceObjects; ground: SourcesGround },
): ReturnType<Source['take']> {
  const { request, reads, objects, ground } = from
  const moving = movingSteps('fetched', ground.onStep)
  const byOut = new Map<Out, ObjectName[]>()
  for (const { from: place } of files)
    if (place.kind === 'object')
      byOut.set(place.out, [...(byOut.get(place.out) ?? []), place.object])
  for (const [out, wanted] of byOut) {
    const failed = await objects.fetch(wanted, { out, moving })
    if (failed.length > 0) throw notHad(request.url, out.path, failed[0]?.reason, failed.length)
  }
  const arrivals: Awaited<ReturnType<Source['take']>> = []
  for (const file of files) {
    if (file.from.kind === 'kept') {
      arrivals.push({ path: file.path, ...(await reads.take(file.from.path, moving)) })
      continue
    }
    const { object } = file.from
    // What DVC 2 named is named anew by its bytes.
    const arrived = object.legacy
      ? await takeFile(ground.cache, ground.cache.pathOf(object))
      : { md5: object.md5, sizeBytes: await sizeInCache(ground.cache, object) }
    arrivals.push({ path: file.path, ...arrived })
  }
  return arrivals
}

function notHad(url: string, path: string, reason: string | undefined, count = 1): Problem {
  return new Problem(
    'not-found',
    `${path} of ${url} cannot be had${count > 1 ? ` (${count} files)` : ''}: ${reason ?? 'it is nowhere'}`,
  )
}
