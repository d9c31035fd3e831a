import { hash } from 'node:crypto'
import type { Content, VersionedFile } from '#data'
import { isList, isMap, type ParamMap, type ParamValue } from '#stages'
import { contentOf, text, textAt, type Check } from './entries.ts'
import { listedPathsFault } from './safe-path.ts'
import { printTree } from './tree.ts'

/** What an entry holds, where a bucket may keep it in versions: then its files stand one by one, each with its versions. */
export interface Kept {
  readonly content: Content | undefined
  readonly files?: readonly VersionedFile[]
  readonly versions?: ReadonlyMap<string, string>
}

export function keptOf(entry: ParamMap): Kept {
  const content = contentOf(entry)
  const files = filesOf(entry.get('files'))
  if (files === undefined) return { content, ...versionsOf(entry) }
  return { content: content ?? contentOfAll(entry, files), files }
}

function filesOf(listed: ParamValue | undefined): VersionedFile[] | undefined {
  if (!isList(listed)) return undefined
  return listed.filter(isMap).flatMap((file) => {
    const md5 = contentOf(file)?.md5
    return md5 === undefined ? [] : [{ path: textAt(file, 'relpath'), md5, ...versionsOf(file) }]
  })
}

/** By the remote's name. */
function versionsOf(entry: ParamMap): { versions?: ReadonlyMap<string, string> } {
  const cloud = entry.get('cloud')
  if (!isMap(cloud)) return {}
  const versions = new Map<string, string>()
  for (const [remote, at] of cloud)
    if (isMap(at)) versions.set(String(remote), textAt(at, 'version_id'))
  return { versions }
}

/** The content that the folder would be named by if its list were kept; undefined where a file has no hash, or a bad name. */
function contentOfAll(entry: ParamMap, files: readonly VersionedFile[]): Content | undefined {
  const listed = entry.get('files')
  if (!isList(listed) || listed.length !== files.length) return undefined
  if (listedPathsFault(files.map(({ path }) => path)) !== undefined) return undefined
  const sizes = listed.filter(isMap).map((file) => file.get('size'))
  const known = sizes.filter((size) => typeof size === 'bigint')
  return {
    md5: `${hash('md5', printTree(files))}.dir`,
    files: files.length,
    ...(known.length < sizes.length
      ? {}
      : { sizeBytes: Number(known.reduce((sum, size) => sum + size, 0n)) }),
    ...(entry.has('hash') ? {} : { legacy: true }),
  }
}

/** A path below a folder that a list of files may name. */
export const listedPath: Check = (value, where, found) => {
  text(value, where, found)
  const fault = typeof value === 'string' ? listedPathsFault([value]) : undefined
  if (fault !== undefined) found.add(where, fault)
}
