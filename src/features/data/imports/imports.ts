import { Problem } from '#base/problem'
import { sameContent, type Measured } from '../content.ts'
import type { ImportDependencies } from './dependencies.ts'
import { fetchLost } from './lost.ts'
import { brought, importsNamed, kept, namedBy, nothingAt, parentOf, requestOf } from './parts.ts'
import type { Imported, ImportIdentity, ImportRepository } from './imported.ts'
import { overlaps, type Out } from '../out.ts'
import { itemAt } from './source.ts'
import { exclusively } from '../store.ts'
import { sentOn } from './to-remote.ts'

interface ImportHow {
  /** Path in the project. */
  readonly out: string
  readonly force: boolean
  /** `note` only writes the file, `lock` writes the version too, `fetch` brings the data. */
  readonly extent: 'note' | 'lock' | 'fetch'
}

export interface RepositoryImport extends ImportHow {
  readonly path: string
  readonly repository: ImportRepository
  readonly remoteConfig?: Readonly<Record<string, string>>
}

export interface AddressImport extends ImportHow {
  readonly url: string
  readonly settings?: Readonly<Record<string, string | boolean>>
  /** Name of the remote that gets the data, '' for the default one; the workspace gets none. */
  readonly toRemote?: string
}

export interface ImportDone {
  readonly path: string
  readonly file: string
  readonly change: 'new' | 'updated' | 'unchanged'
  /** The commit that the data is from, of a repository. */
  readonly commit: string | undefined
  readonly files: readonly string[]
}

export interface UpdateRequest {
  readonly targets: readonly string[]
  readonly rev?: string
  readonly extent: 'lock' | 'fetch'
  /** Overwrites what was changed here and is kept nowhere else. */
  readonly force: boolean
  /** Name of the remote that gets the data, '' for the default one; the workspace stays as it is. */
  readonly toRemote?: string
}

export interface Outdated {
  readonly file: string
  /** What dvc calls it. */
  readonly name: string
  readonly reason?: string
}

/** Data of other repositories and addresses, tracked with where it came from. */
export interface Imports {
  importRepository(request: RepositoryImport): Promise<ImportDone>
  importAddress(request: AddressImport): Promise<ImportDone>
  /** Brings imports to the newest state of where they came from. */
  update(request: UpdateRequest): Promise<ImportDone[]>
  /** Imports from repositories that have newer data; with a reason, one whose repository could not be asked. */
  outdated(targets: readonly string[]): Promise<Outdated[]>
  /** Brings into the cache what was imported and is lost, at the version that is written. */
  fetch(
    targets: readonly string[],
    only?: (out: Out) => boolean,
  ): Promise<{ path: string; reason?: string }[]>
}

export function createImports(dependencies: ImportDependencies): Imports {
  const { locks, sources } = dependencies
  const opened = (repository: ImportRepository, known: boolean) =>
    sources(requestOf(repository, known))
  return {
    importRepository: ({ remoteConfig, ...request }) =>
      exclusively(locks, async () => {
        const merged =
          remoteConfig === undefined
            ? request.repository
            : { ...request.repository, remote: remoteConfig }
        return importRepository(dependencies, { ...request, repository: merged })
      }),
    importAddress: (request) => exclusively(locks, () => importAddress(dependencies, request)),
    update: (request) => exclusively(locks, () => updateAll(dependencies, request)),
    outdated: async (targets) => {
      const found: Outdated[] = []
      for (const { file, imported } of await importsNamed(dependencies, targets)) {
        const { repository } = imported
        if (repository?.revLock === undefined) continue
        const name = `${imported.from} (${repository.url})`
        try {
          const source = await opened(repository, false)
          if (source.commit !== repository.revLock) found.push({ file, name })
          source.close()
        } catch (error) {
          if (!(error instanceof Problem)) throw error
          found.push({ file, name, reason: error.message })
        }
      }
      return found
    },
    fetch: (targets) => fetchLost(dependencies, targets),
  }
}

async function importRepository(
  dependencies: ImportDependencies,
  request: RepositoryImport,
): Promise<ImportDone> {
  const { repository, path, out, extent } = request
  await checkFree(dependencies, request)
  const base = { from: path, out: nameIn(out), content: undefined }
  if (extent === 'note') return noted(dependencies, request, { ...base, repository })
  const source = await dependencies.sources(requestOf(repository, false))
  try {
    const revLock = source.commit
    const pinned = { ...repository, ...(revLock === undefined ? {} : { revLock }) }
    if (extent === 'lock') {
      if ((await itemAt(source, path)) === undefined) throw nothingAt(source, path)
      return await noted(dependencies, request, { ...base, repository: pinned })
    }
    const measured = await brought(dependencies, source, path)
    const imported = { ...base, repository: pinned, content: measured.content }
    return await placed(dependencies, { ...request, imported, measured, change: 'new' })
  } finally {
    source.close()
  }
}

async function importAddress(
  dependencies: ImportDependencies,
  request: AddressImport,
): Promise<ImportDone> {
  const { url, out, extent, settings } = request
  await checkFree(dependencies, request)
  const base = {
    from: url,
    out: nameIn(out),
    content: undefined,
    ...(settings === undefined ? {} : { settings }),
    ...(keepsItself(dependencies, request) ? { push: false as const } : {}),
  }
  if (extent === 'note') return noted(dependencies, request, base)
  if (request.toRemote !== undefined) {
    const imported = await sentOn(dependencies, base, { out, remote: request.toRemote })
    return noted(dependencies, { ...request, extent: 'lock' }, imported)
  }
  const offered = await dependencies.addresses.look(url, {
    folder: parentOf(out),
    settings: settings ?? {},
  })
  if (extent === 'lock')
    return noted(dependencies, request, { ...base, identity: await offered.identity() })
  const measured = await kept(dependencies, await offered.take(), offered.kind)
  const imported = {
    ...base,
    identity: await offered.identity(),
    content: measured.content,
  }
  return placed(dependencies, { ...request, imported, measured, change: 'new' })
}

/** A version that its own place keeps goes to no remote. */
function keepsItself({ addresses }: ImportDependencies, { url, settings }: AddressImport): boolean {
  return settings?.['version_aware'] === true && addresses.keepsVersions(url)
}

/** Nothing is overwritten that somebody tracks, or that is kept nowhere else. */
async function checkFree(
  { catalog, workspace, versionControl, imports }: ImportDependencies,
  { out, force, extent }: ImportHow,
): Promise<void> {
  if (out === '' || out.endsWith('.dvc') || /(^|\/)dvc\.(yaml|lock)$/.test(out))
    throw new Problem(
      'invalid',
      `${out === '' ? 'the project itself' : out} cannot hold imported data; name another path`,
    )
  const file = `${out}.dvc`
  const other = (await catalog.outs()).find(
    (each) => overlaps(each.path, out) && !(each.path === out && each.owner.file === file),
  )
  if (other !== undefined)
    throw new Problem(
      'conflict',
      `cannot import to ${out}: ${other.owner.file} tracks ${other.path} already; name another path with --out`,
    )
  if (await versionControl.isTracked(out))
    throw new Problem(
      'conflict',
      `cannot import to ${out}: Git tracks it; run \`git rm -r --cached ${out}\` first`,
    )
  const isOurs = (await imports.read(file).catch(() => undefined)) !== undefined
  if (extent === 'fetch' && !force && !isOurs && (await workspace.exists(out)))
    throw new Problem(
      'exists',
      `${out} exists already; use --force to replace it, or name another path with --out`,
    )
}

function nameIn(out: string): string {
  return out.slice(out.lastIndexOf('/') + 1)
}

async function noted(
  { imports, versionControl }: ImportDependencies,
  { out, extent }: ImportHow,
  imported: Imported,
): Promise<ImportDone> {
  const file = `${out}.dvc`
  await imports.write(file, imported, { locked: extent !== 'note' })
  const ignoreFile = await versionControl.ignore(out)
  const files = [file, ...(ignoreFile === undefined ? [] : [ignoreFile])]
  await versionControl.stage(files)
  return { path: out, file, change: 'new', commit: imported.repository?.revLock, files }
}

/** The file comes first: whoever is interrupted then has only to check out. */
async function placed(
  { imports, versionControl, workspace }: ImportDependencies,
  what: ImportHow & {
    imported: Imported
    measured: Measured
    change: ImportDone['change']
    file?: string
  },
): Promise<ImportDone> {
  const { out, force, imported, measured, change } = what
  const file = what.file ?? `${out}.dvc`
  await imports.write(file, imported, { locked: true })
  await workspace.restore(out, measured, { force })
  const ignoreFile = await versionControl.ignore(out)
  const files = [file, ...(ignoreFile === undefined ? [] : [ignoreFile])]
  await versionControl.stage(files)
  return { path: out, file, change, commit: imported.repository?.revLock, files }
}

async function updateAll(
  dependencies: ImportDependencies,
  request: UpdateRequest,
): Promise<ImportDone[]> {
  const named = await importsNamed(dependencies, request.targets)
  for (const target of request.targets)
    if (
      namedBy(
        named.map(({ out }) => out),
        target,
      ).length === 0
    )
      throw new Problem(
        'not-found',
        `${target} was not imported, so there is nothing to update it from; \`orrery import\` and \`orrery import-url\` make files that can be`,
      )
  const done: ImportDone[] = []
  for (const each of named) done.push(await updated(dependencies, each, request))
  return done
}

async function updated(
  dependencies: ImportDependencies,
  { file, out, imported }: { file: string; out: Out; imported: Imported },
  request: UpdateRequest,
): Promise<ImportDone> {
  const how = { ...request, out: out.path, file, change: 'updated' as const }
  const same: ImportDone = {
    path: out.path,
    file,
    change: 'unchanged',
    commit: imported.repository?.revLock,
    files: [],
  }
  if (imported.repository === undefined) {
    if (request.rev !== undefined)
      throw new Problem('invalid', `${file} has an address and no revisions; leave --rev out`)
    if (request.toRemote !== undefined) {
      const sent = await sentOn(dependencies, imported, { out: out.path, remote: request.toRemote })
      return sameContent(sent.content, out.content) &&
        sameIdentity(imported.identity, sent.identity)
        ? same
        : locked(dependencies, how, sent)
    }
    const offered = await dependencies.addresses.look(imported.from, {
      folder: parentOf(file),
      settings: imported.settings ?? {},
    })
    const now = await offered.identity()
    const isSame = sameIdentity(imported.identity, now)
    if (isSame && (await isHere(dependencies, out, request))) return same
    if (request.extent === 'lock')
      return locked(dependencies, how, {
        ...imported,
        identity: now,
        content: undefined,
      })
    const measured = await kept(dependencies, await offered.take(), offered.kind)
    const identity = await offered.identity()
    const after = { ...imported, identity, content: measured.content }
    return placed(dependencies, { ...how, imported: after, measured })
  }
  if (request.toRemote !== undefined)
    throw new Problem(
      'invalid',
      `${file} comes from a repository, which keeps the data itself; leave --to-remote out`,
    )
  const wanted = {
    ...imported.repository,
    ...(request.rev === undefined ? {} : { rev: request.rev }),
  }
  const source = await dependencies.sources(requestOf(wanted, false))
  try {
    const isSame = source.commit === wanted.revLock && request.rev === undefined
    if (isSame && (await isHere(dependencies, out, request))) return same
    const repository = {
      ...wanted,
      ...(source.commit === undefined ? {} : { revLock: source.commit }),
    }
    if (request.extent === 'lock')
      return await locked(dependencies, how, { ...imported, repository, content: undefined })
    const measured = await brought(dependencies, source, imported.from)
    const after = { ...imported, repository, content: measured.content }
    return await placed(dependencies, { ...how, imported: after, measured })
  } finally {
    source.close()
  }
}

/** What changed here is left as it is; what is gone comes again, as with dvc. */
async function isHere(
  dependencies: ImportDependencies,
  out: Out,
  { extent }: UpdateRequest,
): Promise<boolean> {
  if (out.content === undefined) return false
  return extent === 'lock' || (await dependencies.workspace.exists(out.path))
}

async function locked(
  { imports, versionControl }: ImportDependencies,
  { out, file }: { out: string; file: string },
  imported: Imported,
): Promise<ImportDone> {
  await imports.write(file, imported, { locked: true })
  await versionControl.stage([file])
  const commit = imported.repository?.revLock
  return { path: out, file, change: 'updated', commit, files: [file] }
}

function sameIdentity(one: ImportIdentity | undefined, other: ImportIdentity): boolean {
  if (one === undefined) return false
  const keys = ['etag', 'checksum', 'version'] as const
  if (keys.some((key) => one[key] !== other[key])) return false
  const [sum, otherSum] = [one, other].map(({ content, listing }) => (content ?? listing)?.md5)
  if (sum !== otherSum || namesOf(one) !== namesOf(other)) return false
  return keys.some((key) => one[key] !== undefined) || sum !== undefined || one.files !== undefined
}

function namesOf({ files }: ImportIdentity): string | undefined {
  return files?.map(({ path, etag, version }) => JSON.stringify([path, etag, version])).join('')
}
