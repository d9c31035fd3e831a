import type { Content } from '#data'
import { isList, isMap, type ParamMap, type ParamValue } from '#stages'
import { isHash } from './tree.ts'

/** The content that an entry names; undefined if it names none, or one that is kept elsewhere than in the cache. */
export function contentOf(entry: ParamMap): Content | undefined {
  const md5 = entry.get('md5')
  const name =
    typeof md5 === 'string' ? md5.toLowerCase() : typeof md5 === 'bigint' ? String(md5) : ''
  if (!isHash(name)) return undefined
  const size = entry.get('size')
  const files = entry.get('nfiles')
  return {
    md5: name,
    ...(typeof size === 'bigint' ? { sizeBytes: Number(size) } : {}),
    ...(typeof files === 'bigint' ? { files: Number(files) } : {}),
    ...(entry.get('isexec') === true ? { executable: true } : {}),
    ...(entry.has('hash') ? {} : { legacy: true }),
  }
}

/** A value that has to be text; '' for anything else, which the checks report. */
export function textAt(entry: ParamMap, key: string): string {
  const value = entry.get(key)
  return typeof value === 'string' ? value : ''
}

export function metaOf(content: Content): [string, ParamValue][] {
  return [
    ...(content.sizeBytes === undefined
      ? []
      : [['size', BigInt(content.sizeBytes)] as [string, ParamValue]]),
    ...(content.files === undefined
      ? []
      : [['nfiles', BigInt(content.files)] as [string, ParamValue]]),
    ...(content.executable === true ? [['isexec', true] as [string, ParamValue]] : []),
  ]
}

/** Checks of a value's shape that name the place of a fault; the reader goes on with what is right. */
export interface Faults {
  add(where: string, message: string): void
  readonly list: string[]
}

export function faults(): Faults {
  const list: string[] = []
  return {
    list,
    add: (where, message) => list.push(where === '' ? message : `${where}: ${message}`),
  }
}

export type Check = (value: ParamValue, where: string, found: Faults) => void

export const text: Check = (value, where, found) => {
  if (typeof value !== 'string') found.add(where, 'must be text')
}
export const flag: Check = (value, where, found) => {
  if (typeof value !== 'boolean') found.add(where, 'must be true or false')
}
export const anything: Check = () => {}
export const checksum: Check = (value, where, found) => {
  if (value !== null && typeof value !== 'string' && typeof value !== 'bigint')
    found.add(where, 'must be a hash')
}
export const count: Check = (value, where, found) => {
  if (typeof value !== 'bigint') found.add(where, 'must be a whole number')
}

/** What both `.dvc` files and `dvc.lock` say about a file. */
export const FILE: Readonly<Record<string, Check>> = {
  md5: checksum,
  etag: checksum,
  checksum,
  size: count,
  nfiles: count,
  isexec: flag,
  version_id: text,
  remote: text,
}

export function optional(check: Check): Check {
  return (value, where, found) => {
    if (value !== null) check(value, where, found)
  }
}

export function either(...checks: Check[]): Check {
  return (value, where, found) => {
    const tries = checks.map((check) => {
      const own = faults()
      check(value, where, own)
      return own.list
    })
    if (tries.some((list) => list.length === 0)) return
    // The alternative of the same shape says most about what is wrong inside it.
    const best = tries.find((list) => !list.some((fault) => fault.startsWith(`${where}: must be`)))
    for (const fault of best ?? tries.flat().slice(0, 2)) found.list.push(fault)
  }
}

export function listOf(check: Check): Check {
  return (value, where, found) => {
    if (!isList(value)) return found.add(where, 'must be a list')
    for (const [index, item] of value.entries()) check(item, `${where}[${index}]`, found)
  }
}

export function mapOf(check: Check): Check {
  return (value, where, found) => {
    if (!isMap(value)) return found.add(where, 'must be a map')
    for (const [key, item] of value) check(item, `${where}.${String(key)}`, found)
  }
}

/** A map with these keys and no others: DVC refuses a whole file for one key that it does not know. */
export function shape(
  keys: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return (value, where, found) => {
    if (!isMap(value)) return found.add(where, 'must be a map')
    for (const [key, item] of value) {
      const check = typeof key === 'string' && Object.hasOwn(keys, key) ? keys[key] : undefined
      const place = where === '' ? String(key) : `${where}.${String(key)}`
      if (check === undefined) found.add(place, 'is not known to DVC here')
      else check(item, place, found)
    }
    for (const key of required) if (!value.has(key)) found.add(where, `lacks ${key}`)
  }
}
