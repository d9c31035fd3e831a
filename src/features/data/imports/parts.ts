import { Problem } from '#base/problem'
import type { Measured } from '../content.ts'
import type { ImportDependencies } from './dependencies.ts'
import type { Imported, ImportRepository } from './imported.ts'
import { isWithin, outsNamed, type Out } from '../out.ts'
import { itemAt, type Arrival, type Source } from './source.ts'

export async function importsNamed(
  { catalog, imports }: ImportDependencies,
  targets: readonly string[],
): Promise<{ file: string; out: Out; imported: Imported }[]> {
  const outs = (await catalog.outs()).filter(
    ({ owner }) => owner.kind === 'tracked' && owner.imported,
  )
  const named = targets.length === 0 ? outs : targets.flatMap((target) => namedBy(outs, target))
  const found: { file: string; out: Out; imported: Imported }[] = []
  for (const out of new Set(named)) {
    const imported = await imports.read(out.owner.file)
    if (imported !== undefined) found.push({ file: out.owner.file, out, imported })
  }
  return found
}

export function namedBy(outs: readonly Out[], target: string): Out[] {
  const named = outsNamed(outs, target).map(({ out }) => out)
  return named.length > 0 ? named : outs.filter(({ owner }) => isWithin(owner.file, target))
}

export function requestOf(repository: ImportRepository, known: boolean) {
  const { url, rev, remote, config } = repository
  return {
    url,
    known,
    ...(rev === undefined ? {} : { rev }),
    ...(remote === undefined ? {} : { remote }),
    ...(config === undefined ? {} : { config }),
  }
}

/** Everything at a path of a source, in the cache. */
export async function brought(
  dependencies: ImportDependencies,
  source: Source,
  path: string,
): Promise<Measured> {
  const item = await itemAt(source, path)
  if (item === undefined) throw nothingAt(source, path)
  return kept(dependencies, await source.take(item.files), item.kind)
}

export function nothingAt(source: Source, path: string): Problem {
  return new Problem(
    'not-found',
    `${source.url} has no ${path}${source.commit === undefined ? '' : ` at ${source.commit.slice(0, 12)}`}; \`orrery list ${source.url}\` shows what it has`,
  )
}

export async function kept(
  { cache }: Pick<ImportDependencies, 'cache'>,
  arrivals: readonly Arrival[],
  kind: 'file' | 'folder',
): Promise<Measured> {
  const sizeBytes = arrivals.reduce((sum, each) => sum + each.sizeBytes, 0)
  const [only] = arrivals
  if (kind === 'file') {
    if (only === undefined) throw new Error('a file arrives as one file')
    return { content: { md5: only.md5, sizeBytes } }
  }
  const entries = arrivals.map(({ path, md5 }) => ({ path, md5 }))
  const md5 = await cache.keepTree(entries)
  return { content: { md5, sizeBytes, files: entries.length }, entries }
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}
