import { posix } from 'node:path'
import { sameContent, type Content, type VersionedFile } from '#data'
import { isList, isMap, type ParamMap, type ParamValue } from '#stages'
import {
  anything,
  checksum,
  either,
  FILE,
  faults,
  flag,
  listOf,
  mapOf,
  metaOf,
  optional,
  shape,
  text,
  textAt,
  type Check,
} from './entries.ts'
import { keptOf, listedPath } from './versions.ts'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** A `.dvc` file: what `add` and `import` write. */
export interface TrackedFile {
  readonly outs: readonly TrackedOut[]
  readonly frozen: boolean
  /** Its data came from elsewhere: another repository, or a URL. */
  readonly imported: boolean
  /** Imported from another DVC repository, which is where it is fetched again. */
  readonly fromRepository: boolean
}

export interface TrackedOut {
  /** Relative to the project's root. */
  readonly path: string
  readonly content: Content | undefined
  /** Of data that a bucket keeps in versions: its files, one by one. */
  readonly files?: readonly VersionedFile[]
  /** Of one such file: the version of it, by remote. */
  readonly versions?: ReadonlyMap<string, string>
  readonly cached: boolean
  readonly push: boolean
  readonly remote: string | undefined
}

/** Reads the `.dvc` file at `file`. Paths in it are relative to its folder, or to its `wdir`. */
export function readTrackedFile(
  file: string,
  source: string,
): { value: TrackedFile; problems: string[] } {
  const { value, problems } = readYaml(source)
  const found = faults()
  for (const { message, line } of problems)
    found.add(line === undefined ? '' : `line ${line}`, message)
  if (value !== null) TRACKED(value, '', found)
  const top: ParamMap = isMap(value) ? value : new Map()
  const wdir = folderOf(file, top.get('wdir'))
  const outs = isList(top.get('outs')) ? (top.get('outs') as readonly ParamValue[]) : []
  const deps = isList(top.get('deps')) ? (top.get('deps') as readonly ParamValue[]) : []
  return {
    value: {
      outs: outs.filter(isMap).map((entry) => outOf(entry, wdir)),
      frozen: top.get('frozen') === true || top.get('locked') === true,
      imported: deps.length > 0,
      fromRepository: deps.some((dep) => isMap(dep) && dep.has('repo')),
    },
    problems: found.list,
  }
}

/** A new `.dvc` file for one out beside it. */
export function printTrackedFile(name: string, content: Content): string {
  return printYaml(new Map([['outs', [new Map(outEntries(name, content))]]]))
}

/** The file's text with the new content of one out; comments, order and everything else stay. */
export function withContent(
  file: string,
  source: string,
  out: { path: string; content: Content },
): string {
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const outs = top.get('outs')
  const entries = isList(outs) ? outs : []
  const wdir = folderOf(file, top.get('wdir'))
  const index = entries.findIndex(
    (entry) => isMap(entry) && posix.join(wdir, textAt(entry, 'path')) === out.path,
  )
  const entry = entries[index]
  if (!isMap(entry)) return printTrackedFile(posix.relative(wdir, out.path), out.content)
  // Where the bytes are those that a bucket keeps, so are their versions.
  if (entry.has('files') && sameContent(keptOf(entry).content, out.content)) return source
  const wanted = new Map(outEntries(textAt(entry, 'path'), out.content))
  return changed(source, { top, index, entry, wanted })
}

/**
 * The text of a `.dvc` file after one of its outs has another path; where the whole file moves to `toFile`,
 * the path is told from there. Comments, order and everything else stay.
 */
export function withMovedOut(
  file: string,
  source: string,
  move: { from: string; to: string; toFile: string },
): string {
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const outs = top.get('outs')
  const entries = isList(outs) ? outs : []
  const wdir = folderOf(file, top.get('wdir'))
  const moves = file !== move.toFile
  const base = moves ? posix.dirname(move.toFile) : wdir
  const index = entries.findIndex(
    (entry) => isMap(entry) && posix.join(wdir, textAt(entry, 'path')) === move.from,
  )
  const path = posix.relative(base, move.to)
  const named = setInYaml(source, ['outs', index, 'path'], path)
  const edited =
    moves && top.has('wdir') && named !== undefined ? setInYaml(named, ['wdir'], undefined) : named
  if (edited !== undefined) return edited
  const after = entries.map((entry, at) =>
    at === index && isMap(entry) ? new Map([...entry, ['path', path]]) : entry,
  )
  const rest = [...top].filter(([key]) => !(moves && key === 'wdir'))
  return printYaml(new Map([...rest, ['outs', after]]))
}

const DESCRIBING = ['md5', 'size', 'nfiles', 'isexec', 'hash']
/** Where a bucket keeps these bytes. */
const KEEPING = ['files', 'cloud', 'version_id', 'etag']

function changed(
  source: string,
  at: { top: ParamMap; index: number; entry: ParamMap; wanted: ReadonlyMap<string, ParamValue> },
): string {
  let edited: string | undefined = source
  const after = new Map(at.entry)
  const isSame = at.entry.get('md5') === at.wanted.get('md5')
  for (const key of isSame ? DESCRIBING : [...DESCRIBING, ...KEEPING]) {
    const value = at.wanted.get(key)
    if (at.entry.get(key) === value) continue
    if (value === undefined) after.delete(key)
    else after.set(key, value)
    if (edited !== undefined) edited = setInYaml(edited, ['outs', at.index, key], value)
  }
  if (edited !== undefined) return edited
  const outs = (at.top.get('outs') as readonly ParamValue[]).with(at.index, after)
  return printYaml(new Map([...at.top, ['outs', outs]]))
}

function outEntries(path: string, content: Content): [string, ParamValue][] {
  // What DVC 2 hashed is told by the lack of the word.
  const hash: [string, ParamValue][] = content.legacy === true ? [] : [['hash', 'md5']]
  return [['md5', content.md5], ...metaOf(content), ...hash, ['path', path]]
}

function outOf(entry: ParamMap, wdir: string): TrackedOut {
  const remote = entry.get('remote')
  return {
    path: posix.join(wdir, textAt(entry, 'path')),
    ...keptOf(entry),
    cached: entry.get('cache') !== false,
    push: entry.get('push') !== false,
    remote: typeof remote === 'string' ? remote : undefined,
  }
}

function folderOf(file: string, wdir: ParamValue | undefined): string {
  return posix.join(posix.dirname(file), typeof wdir === 'string' ? wdir : '.')
}

const cloud = mapOf(shape(FILE))
const located = {
  ...FILE,
  path: text,
  hash: text,
  cloud,
  files: listOf(shape({ ...FILE, relpath: listedPath, cloud }, ['relpath'])),
  fs_config: optional(mapOf(anything)),
}
const annotated = { desc: text, type: text, labels: listOf(text), meta: anything }
/** Joining would take an absolute path for one below the folder. */
const ownPath: Check = (value, where, found) => {
  text(value, where, found)
  if (typeof value === 'string' && posix.isAbsolute(value))
    found.add(where, `${value} is absolute, and data lies inside the project`)
}
const OUT = shape(
  {
    ...located,
    ...annotated,
    path: ownPath,
    cache: flag,
    persist: flag,
    push: flag,
    metric: either(flag, mapOf(anything)),
    plot: either(flag, mapOf(anything)),
  },
  ['path'],
)
const DEP = shape({ ...located, repo: mapOf(anything), db: mapOf(anything) }, ['path'])
const TRACKED = shape({
  md5: checksum,
  wdir: optional(text),
  deps: optional(listOf(DEP)),
  outs: optional(listOf(OUT)),
  locked: flag,
  frozen: flag,
  meta: anything,
  always_changed: flag,
  desc: text,
})
