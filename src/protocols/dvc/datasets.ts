import { isList, isMap, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** The entries of `datasets` in a `dvc.yaml` or a `dvc.lock`. */
export function datasetsIn(source: string): ParamMap[] {
  const { value } = readYaml(source)
  const datasets = isMap(value) ? value.get('datasets') : undefined
  return isList(datasets) ? datasets.filter(isMap) : []
}

/** What a lock says of a dataset, as DVC writes it into the stages that read it. */
export function versionOf(entry: ParamMap): ParamMap {
  const first = ['name', 'url', 'type'].flatMap((key): [ParamKey, ParamValue][] => {
    const value = entry.get(key)
    return value === undefined ? [] : [[key, value]]
  })
  const rest = [...entry].filter(
    ([key, value]) =>
      !first.some(([known]) => known === key) && !(isList(value) && value.length === 0),
  )
  return new Map([...first, ...rest])
}

/** A version of a table that keeps its own, in the one form of DVC that carries a version and needs no network. */
export function tableVersion(table: {
  name: string
  url: string
  version: number
  digest: string
  sizeBytes: number
  files: number
}): ParamMap {
  return new Map<ParamKey, ParamValue>([
    ...declared(table.name, table.url),
    [
      'meta',
      new Map<ParamKey, ParamValue>([
        ['isdir', true],
        ['size', BigInt(table.sizeBytes)],
        ['nfiles', BigInt(table.files)],
        ['version_id', String(table.version)],
        ['etag', table.digest],
      ]),
    ],
    ['files', []],
  ])
}

export function declared(name: string, url: string): ParamMap {
  return new Map<ParamKey, ParamValue>([
    ['name', name],
    ['url', url],
    ['type', 'url'],
  ])
}

/** The text of a `dvc.yaml` or a `dvc.lock` with an entry for that dataset, in the place of an earlier one. */
export function withDataset(source: string, entry: ParamMap, kind: 'pipeline' | 'lock'): string {
  const name = entry.get('name')
  const before = datasetsIn(source)
  const at = before.findIndex((each) => each.get('name') === name)
  const datasets = at === -1 ? [...before, entry] : before.with(at, entry)
  const head: [ParamKey, ParamValue][] = kind === 'lock' ? [['schema', '2.0']] : []
  if (source.trim() === '') return printYaml(new Map([...head, ['datasets', datasets]]))
  const edited = setInYaml(source, ['datasets'], datasets)
  if (edited !== undefined) return edited
  const { value } = readYaml(source)
  return printYaml(new Map([...(isMap(value) ? value : []), ['datasets', datasets]]))
}
