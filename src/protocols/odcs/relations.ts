import { strictRule, type Contract, type OtherDataset, type Rule } from '#contracts'
import type { Reader } from './words.ts'
import type { Place } from './yaml.ts'

/** Another contract, by the words that this one names it with; or why there is none, or why nobody looks. */
export type OtherContract = (written: string) => OtherText | Refused | Unchecked

interface OtherText {
  /** As rules and messages call it. */
  readonly file: string
  readonly text: string
}

interface Refused {
  readonly refusal: string
}

interface Unchecked {
  readonly unchecked: string
}

/** The objects of a contract by their names, with what references may call their properties. */
export type Objects = ReadonlyMap<string, NamedObject>

interface NamedObject {
  readonly id: string | undefined
  /** By name. */
  readonly properties: ReadonlyMap<string, { id: string | undefined; column: string }>
}

export function objectsIn(objects: ReadonlyMap<string, Place>): Objects {
  return new Map(
    Array.from(objects, ([name, object]) => {
      const properties = object.entry('properties').items()
      const named = properties.flatMap((property) => {
        const logical = textAt(property, 'name')
        const column = textAt(property, 'physicalName') ?? logical
        if (logical === undefined || column === undefined) return []
        return [[logical, { id: textAt(property, 'id'), column }] as const]
      })
      return [name, { id: textAt(object, 'id'), properties: new Map(named) }]
    }),
  )
}

function textAt(place: Place, name: string): string | undefined {
  const value = place.at(name)?.value
  return typeof value === 'string' ? value : undefined
}

interface Found extends Read {
  readonly file: string
}

interface Read {
  readonly contract: Contract | undefined
  readonly objects: Objects
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** What a contract points at in others. */
export interface Links {
  find(written: string): Found | Refused | Unchecked
  /** Notes that a dataset of another contract is needed; gives the name that rules have for it. */
  use(found: Found, dataset: string): string
  readonly used: readonly OtherDataset[]
}

export function openLinks(other: OtherContract | undefined, read: (text: string) => Read): Links {
  const known = new Map<string, ReturnType<Links['find']>>()
  const used = new Map<string, OtherDataset>()
  return {
    find: (written) => {
      const found = known.get(written) ?? foundAt(other, written, read)
      known.set(written, found)
      return found
    },
    use: ({ file, contract }, dataset) => {
      const name = `${file}#${dataset}`
      const found = contract?.datasets.find((each) => each.name === dataset)
      if (found !== undefined)
        used.set(name, { ...found, name, rules: [], contract: file, object: dataset })
      return name
    },
    get used() {
      return [...used.values()]
    },
  }
}

function foundAt(
  other: OtherContract | undefined,
  written: string,
  read: (text: string) => Read,
): ReturnType<Links['find']> {
  const had = other?.(written) ?? { unchecked: `${written} is not looked at here` }
  if (!('text' in had)) return had
  const whole = { ...read(had.text), file: had.file }
  const [first] = whole.problems
  return first === undefined
    ? whole
    : { refusal: `${had.file} is not right itself: line ${first.line}: ${first.message}` }
}

interface Where {
  /** The object that a relationship is of. */
  readonly name: string
  /** The property, where it is written there. */
  readonly property: string | undefined
  readonly objects: Objects
  readonly links: Links
}

/** Foreign keys: `orders.customer_id`, or by ids `schema/orders_tbl/properties/cust`, after `FILE#` of another contract. */
export function relationRules(reader: Reader, place: Place | undefined, where: Where): Rule[] {
  return reader.list(place).flatMap((entry) => {
    const rule = relationRule(reader, entry, where)
    return rule === undefined ? [] : [rule]
  })
}

function relationRule(reader: Reader, entry: Place, where: Where): Rule | undefined {
  const { name, property, objects } = where
  if (property !== undefined && entry.at('from') !== undefined)
    return reader.fault(
      entry.entry('from'),
      'a relationship of a property begins there; leave from out, or write it under the object',
    )
  const from = property === undefined ? textsAt(reader, entry.at('from')) : [`${name}.${property}`]
  const to = textsAt(reader, entry.at('to'))
  if (to.length === 0 || from.length !== to.length)
    return reader.fault(entry, 'it needs to: DATASET.PROPERTY, as many as from has')
  const own = from.map((each) => pointed(objects, each, name))
  const wrong = own.findIndex((each) => 'fault' in each || each.dataset !== name)
  if (wrong >= 0)
    return reader.fault(entry.entry('from'), `${from[wrong] ?? ''} is no property of ${name}`)
  const columns = own.flatMap((each) => ('column' in each ? [each.column] : []))
  const target = targetOf(to, where)
  if ('fault' in target) return reader.fault(entry.entry('to'), target.fault)
  return strictRule(name, { kind: 'reference', columns, ...target })
}

function textsAt(reader: Reader, place: Place | undefined): string[] {
  const places = Array.isArray(place?.value) ? place.items() : [place]
  return places.flatMap((each) => reader.text(each) ?? [])
}

type Target =
  | { readonly dataset: string; readonly to: string[]; readonly unchecked?: string }
  | { readonly fault: string }

function targetOf(to: readonly string[], { name, objects, links }: Where): Target {
  const files = new Set(to.map((each) => /^(.*)#/.exec(each)?.[1] ?? ''))
  const [file = ''] = files
  if (files.size > 1) return { fault: `${to.join(', ')} are of several contracts; a key is of one` }
  const paths = to.map((each) => each.slice(each.lastIndexOf('#') + 1))
  if (file === '') return columnsAt(paths, { objects, own: name, of: 'this contract' })
  const found = links.find(file)
  if ('refusal' in found) return { fault: found.refusal }
  if ('unchecked' in found) return { dataset: file, to: paths, unchecked: found.unchecked }
  const target = columnsAt(paths, { objects: found.objects, own: '', of: found.file })
  if ('fault' in target) return target
  return { ...target, dataset: links.use(found, target.dataset) }
}

function columnsAt(
  paths: readonly string[],
  { objects, own, of }: { objects: Objects; own: string; of: string },
): Target {
  const found = paths.map((path) => pointed(objects, path, own))
  const [first] = found
  const wrong = found.findIndex(
    (each) =>
      'fault' in each || first === undefined || 'fault' in first || each.dataset !== first.dataset,
  )
  if (wrong >= 0 || first === undefined || 'fault' in first)
    return { fault: `${paths[Math.max(0, wrong)] ?? ''} is no property of ${of}` }
  const nested = found.find((each) => 'nested' in each && each.nested)
  return {
    dataset: first.dataset,
    to: found.flatMap((each) => ('column' in each ? [each.column] : [])),
    ...(nested === undefined
      ? {}
      : { unchecked: 'it points into an object, and only whole columns are looked at' }),
  }
}

type Pointed =
  | { readonly dataset: string; readonly column: string; readonly nested: boolean }
  | { readonly fault: true }

/** What a reference means: ids after `schema/`, names with dots else. Names that hold dots are taken as a whole first. */
function pointed(objects: Objects, path: string, own: string): Pointed {
  const [, id, property, deeper] =
    /^\/?schema\/([^/]+)\/properties\/([^/]+)((?:\/properties\/[^/]+)*)$/.exec(path) ?? []
  if (id !== undefined && property !== undefined) {
    const [dataset, object] = [...objects].find(([name, each]) => (each.id ?? name) === id) ?? []
    const [, found] =
      [...(object?.properties ?? [])].find(([name, each]) => (each.id ?? name) === property) ?? []
    if (dataset === undefined || found === undefined) return { fault: true }
    return { dataset, column: found.column, nested: deeper !== '' }
  }
  const dataset = [...objects.keys()]
    .filter((name) => path.startsWith(`${name}.`))
    .toSorted((one, other) => other.length - one.length)[0]
  const properties = objects.get(dataset ?? own)?.properties
  const rest = dataset === undefined ? path : path.slice(dataset.length + 1)
  const whole = properties?.get(rest)
  const top = whole ?? properties?.get(rest.split('.')[0] ?? '')
  if (top === undefined) return { fault: true }
  return { dataset: dataset ?? own, column: top.column, nested: whole === undefined }
}
