import { Problem } from '#base/problem'
import { isFolder, sameContent, type Measured } from '../content.ts'
import type { ImportDependencies } from './dependencies.ts'
import { brought, importsNamed, kept, parentOf, requestOf } from './parts.ts'
import type { Imported, ImportRepository } from './imported.ts'
import type { Out } from '../out.ts'

/** Brings into the cache what was imported and is lost; with the reason where it cannot be had. */
export async function fetchLost(
  dependencies: ImportDependencies,
  targets: readonly string[],
  only: (out: Out) => boolean = () => true,
): Promise<{ path: string; reason?: string }[]> {
  const done: { path: string; reason?: string }[] = []
  for (const { file, out, imported } of await importsNamed(dependencies, targets)) {
    const { repository } = imported
    if (out.content === undefined || !only(out) || !(await isLost(dependencies, out, imported)))
      continue
    const again = () =>
      repository === undefined
        ? broughtFromAddress(dependencies, file, imported)
        : broughtAgain(dependencies, repository, imported.from)
    const reason = await again().then(
      ({ content }) =>
        sameContent(content, out.content)
          ? undefined
          : `${repository?.url ?? imported.from} has other data now; \`orrery update\` takes it`,
      (error: unknown) => {
        if (error instanceof Problem) return error.message
        throw error
      },
    )
    done.push({ path: out.path, ...(reason === undefined ? {} : { reason }) })
  }
  return done
}

/** Whether it has to come from where it came from: the cache has it not, and no remote of this project. */
async function isLost(
  dependencies: ImportDependencies,
  out: Out,
  { repository, push }: Imported,
): Promise<boolean> {
  const { cache, remote } = dependencies
  if (repository !== undefined && repository.revLock === undefined) return false
  const missing = await cache.missing(await objectsOf(dependencies, out))
  if (missing.length === 0) return false
  if (repository !== undefined || push === false) return true
  try {
    const place = await remote(out.remote)
    place.learn?.([out])
    return (await place.missing(missing)).length > 0
  } catch (error) {
    if (error instanceof Problem) return true
    throw error
  }
}

async function broughtAgain(
  dependencies: ImportDependencies,
  repository: ImportRepository,
  path: string,
): Promise<Measured> {
  const { revLock } = repository
  const pinned = revLock === undefined ? repository : { ...repository, rev: revLock }
  const source = await dependencies.sources(requestOf(pinned, true))
  try {
    return await brought(dependencies, source, path)
  } finally {
    source.close()
  }
}

/** The version that is written, where its place keeps versions; else what is there now. */
async function broughtFromAddress(
  dependencies: ImportDependencies,
  file: string,
  { from, settings, identity }: Imported,
): Promise<Measured> {
  const offered = await dependencies.addresses.look(from, {
    folder: parentOf(file),
    settings: settings ?? {},
    known: identity,
  })
  return kept(dependencies, await offered.take(), offered.kind)
}

async function objectsOf({ cache }: ImportDependencies, { content }: Out) {
  if (content === undefined) return []
  const legacy = content.legacy ?? false
  const entries = isFolder(content) ? ((await cache.tree(content)) ?? []) : []
  return [{ md5: content.md5, legacy }, ...entries.map(({ md5 }) => ({ md5, legacy }))]
}
