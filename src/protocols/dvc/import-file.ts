import { hash } from 'node:crypto'
import type { Imported, ImportFile, ImportIdentity, ImportRepository } from '#data'
import { isList, isMap, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { contentOf, metaOf, textAt } from './entries.ts'
import { pythonJson, pythonText } from './python.ts'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** A new file. `locked` gives it DVC's sum over what it says, which a file that was never executed lacks. */
export function printImportFile(file: Imported, how: { locked: boolean }): string {
  const top = new Map<ParamKey, ParamValue>([
    ['frozen', true],
    ['deps', [depOf(file)]],
    ['outs', [outOf(file)]],
  ])
  return printYaml(how.locked ? new Map([['md5', importHash(top)], ...top]) : top)
}

/** Reads what a file imports; undefined for one that imports nothing, or not one thing. */
export function readImportFile(source: string): Imported | undefined {
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const [dep, out] = [soleEntry(top.get('deps')), soleEntry(top.get('outs'))]
  if (dep === undefined || out === undefined) return undefined
  const repo = dep.get('repo')
  const settings = dep.get('fs_config')
  return {
    from: textAt(dep, 'path'),
    ...(isMap(repo) ? { repository: repositoryOf(repo) } : { identity: identityOf(dep) }),
    ...(isMap(settings) ? { settings: settingsOf(settings) } : {}),
    out: textAt(out, 'path'),
    content: contentOf(out),
    ...(out.get('push') === false ? { push: false as const } : {}),
  }
}

/** The text after an update; comments, order and what people wrote stay. */
export function withImport(source: string, file: Imported): string {
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const [dep, out] = [soleEntry(top.get('deps')), soleEntry(top.get('outs'))]
  if (dep === undefined || out === undefined) return printImportFile(file, { locked: true })
  let text = source
  // What is new comes last, as dvc has it.
  const applyKeys = (path: readonly ParamKey[], before: ParamMap, after: ParamMap) => {
    for (const [key, wanted] of after)
      if (pythonJson(before.get(key) ?? null) !== pythonJson(wanted))
        text = setInYaml(text, [...path, key], wanted) ?? text
  }
  const apply = (place: 'deps' | 'outs', before: ParamMap, after: ParamMap) => {
    for (const key of new Set([...after.keys(), ...(place === 'deps' ? IDENTITY : CONTENT)])) {
      const [old, wanted] = [before.get(key), after.get(key)]
      if (old === undefined && wanted === undefined) continue
      if (old !== undefined && wanted !== undefined && pythonJson(old) === pythonJson(wanted))
        continue
      if (key === 'repo' && isMap(old) && isMap(wanted)) applyKeys([place, 0, key], old, wanted)
      else text = setInYaml(text, [place, 0, key], wanted) ?? text
    }
  }
  apply('deps', dep, depOf(file))
  apply('outs', out, outOf(file))
  const edited = readYaml(text).value
  const sum = importHash(isMap(edited) ? edited : new Map())
  return setInYaml(text, ['md5'], sum) ?? printImportFile(file, { locked: true })
}

const CONTENT = [
  'md5',
  'size',
  'nfiles',
  'isexec',
  'hash',
  'files',
  'etag',
  'checksum',
  'version_id',
]
const IDENTITY = CONTENT

/** What describes data and does not name it: not part of the sum. */
const NOT_SUMMED = new Set<ParamKey>([
  'desc',
  'type',
  'labels',
  'meta',
  'locked',
  'frozen',
  'metric',
  'persist',
  'isexec',
  'size',
  'nfiles',
])

/** DVC's sum over a file that imports. */
export function importHash(top: ParamMap): string {
  const summed = new Map([...top].filter(([key]) => key !== 'md5'))
  if (summed.get('wdir') === '.') summed.delete('wdir')
  return hash('md5', pythonJson(stripped(summed)))
}

function stripped(value: ParamValue): ParamValue {
  if (isList(value)) return value.map(stripped)
  if (!isMap(value)) return value
  return new Map(
    [...value]
      .filter(([key]) => !NOT_SUMMED.has(key))
      .map(([key, each]): [ParamKey, ParamValue] => [key, stripped(each)]),
  )
}

function depOf({ from, repository, identity, settings }: Imported): ParamMap {
  if (repository !== undefined)
    return new Map<ParamKey, ParamValue>([
      ['path', from],
      ['repo', repositoryEntry(repository)],
    ])
  const { etag, checksum, sizeBytes, version, files } = identity ?? {}
  const content = identity?.content ?? identity?.listing
  return new Map<ParamKey, ParamValue>([
    ...(content === undefined
      ? []
      : [['md5', content.md5] as const, ...metaOf({ ...content, executable: false })]),
    ...(etag === undefined ? [] : [['etag', etag] as const]),
    ...(checksum === undefined ? [] : [['checksum', checksum] as const]),
    ...(sizeBytes === undefined || content !== undefined
      ? []
      : [['size', BigInt(sizeBytes)] as const]),
    ...(version === undefined ? [] : [['version_id', version] as const]),
    ['hash', 'md5'],
    ['path', from],
    ...(settings === undefined ? [] : [['fs_config', new Map(Object.entries(settings))] as const]),
    ...(files === undefined ? [] : [['files', files.map(fileOf)] as const]),
  ])
}

function fileOf({ path, etag, sizeBytes, version }: ImportFile): ParamMap {
  return new Map<ParamKey, ParamValue>([
    ['relpath', path],
    ['etag', etag],
    ['size', BigInt(sizeBytes)],
    ...(version === undefined ? [] : [['version_id', version] as const]),
  ])
}

function repositoryEntry({ url, rev, revLock, config, remote }: ImportRepository): ParamMap {
  return new Map<ParamKey, ParamValue>([
    ['url', url],
    ...(rev === undefined ? [] : [['rev', rev] as const]),
    ...(revLock === undefined ? [] : [['rev_lock', revLock] as const]),
    ...(config === undefined ? [] : [['config', config] as const]),
    ...(remote === undefined
      ? []
      : [
          [
            'remote',
            typeof remote === 'string' ? remote : new Map(Object.entries(remote)),
          ] as const,
        ]),
  ])
}

function outOf({ out, content, push }: Imported): ParamMap {
  return new Map<ParamKey, ParamValue>([
    ...(content === undefined ? [] : [['md5', content.md5] as const, ...metaOf(content)]),
    ['hash', 'md5'],
    ['path', out],
    ...(push === false ? [['push', false] as const] : []),
  ])
}

function repositoryOf(repo: ParamMap): ImportRepository {
  const remote = repo.get('remote')
  const optional = (name: string, key: string) =>
    textAt(repo, key) === '' ? {} : { [name]: textAt(repo, key) }
  return {
    url: textAt(repo, 'url'),
    ...optional('rev', 'rev'),
    ...optional('revLock', 'rev_lock'),
    ...optional('config', 'config'),
    ...(typeof remote === 'string' ? { remote } : isMap(remote) ? { remote: textsOf(remote) } : {}),
  }
}

function identityOf(dep: ParamMap): ImportIdentity {
  const md5 = textAt(dep, 'md5')
  const [etag, checksum] = [textAt(dep, 'etag'), textAt(dep, 'checksum')]
  const [version, listed] = [textAt(dep, 'version_id'), dep.get('files')]
  return {
    ...(md5 === '' ? {} : { content: { md5 } }),
    ...(etag === '' ? {} : { etag }),
    ...(checksum === '' ? {} : { checksum }),
    ...(version === '' ? {} : { version }),
    ...(isList(listed) ? { files: listed.filter(isMap).map(fileIn) } : {}),
  }
}

function fileIn(entry: ParamMap): ImportFile {
  const [size, version] = [entry.get('size'), textAt(entry, 'version_id')]
  return {
    path: textAt(entry, 'relpath'),
    etag: textAt(entry, 'etag'),
    sizeBytes: typeof size === 'bigint' ? Number(size) : 0,
    ...(version === '' ? {} : { version }),
  }
}

function textsOf(map: ParamMap): Record<string, string> {
  return Object.fromEntries([...map].map(([key, value]) => [String(key), pythonText(value)]))
}

function settingsOf(map: ParamMap): Record<string, string | boolean> {
  return Object.fromEntries(
    [...map].map(([key, value]) => [
      String(key),
      typeof value === 'boolean' ? value : pythonText(value),
    ]),
  )
}

function soleEntry(list: ParamValue | undefined): ParamMap | undefined {
  if (!isList(list) || list.length !== 1) return undefined
  const [entry] = list
  return entry !== undefined && isMap(entry) ? entry : undefined
}
