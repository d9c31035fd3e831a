import { Problem } from '#base/problem'
import { pathOfUri } from '#tracking'

/** What a version is registered from. */
export type Source =
  | { readonly kind: 'logged-model'; readonly modelId: string }
  | { readonly kind: 'version'; readonly uri: string }
  | { readonly kind: 'run'; readonly runId: string; readonly path: string }
  /** A path in the server's own artifact tree. */
  | { readonly kind: 'artifacts'; readonly path: string }
  /** A folder on the disk of this machine. */
  | { readonly kind: 'disk'; readonly path: string }
  /** A store of somebody else's: S3 and the like. */
  | { readonly kind: 'elsewhere' }

/** Reads where a version comes from. Throws `invalid` for anything that could lead out of where it seems to be. */
export function sourceIn(source: string): Source {
  if (hidesPath(source))
    throw new Problem(
      'invalid',
      `Invalid model version source: ${JSON.stringify(source)} has relative parts or strange characters; give the plain path`,
    )
  const [, scheme = '', rest = ''] = /^([A-Za-z][\w+.-]*):(.*)$/s.exec(source) ?? []
  const path = rest.replace(/^\/+/, '').replace(/\/+$/, '')
  if (scheme === 'models')
    return /^m-[^/@]+$/.test(path)
      ? { kind: 'logged-model', modelId: path }
      : { kind: 'version', uri: `models:/${path}` }
  if (scheme === 'runs') {
    const [runId = '', ...parts] = path.split('/')
    return { kind: 'run', runId, path: parts.join('/') }
  }
  const own = pathOfUri(source)
  if (own !== undefined) return { kind: 'artifacts', path: own }
  if (scheme === '') return { kind: 'disk', path: source }
  return scheme === 'file' ? { kind: 'disk', path: `/${path}` } : { kind: 'elsewhere' }
}

/** The model and what names its version in `models:/name@alias`, `models:/name/3` or `models:/name/latest`. */
export function modelUriIn(
  uri: string,
): { model: string; alias: string } | { model: string; version: string } {
  const [, model = '', mark, name = ''] = /^models:\/+([^/@]+)([/@])([^/@]+)$/.exec(uri) ?? []
  if (mark === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(uri)} names no model version; write models:/NAME/VERSION or models:/NAME@ALIAS`,
    )
  return mark === '@' ? { model, alias: name } : { model, version: name }
}

/** Whether `path` is `root` or lies below it. */
export function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`)
}

function hidesPath(source: string): boolean {
  let plain = source
  for (let round = 0; round < 10; round++) {
    if (plain.includes('\0') || plain.split(/[/\\]/).includes('..')) return true
    const decoded = decoded1(plain)
    if (decoded === plain) return false
    plain = decoded
  }
  return true
}

function decoded1(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray % is no encoding.
    return text
  }
}
