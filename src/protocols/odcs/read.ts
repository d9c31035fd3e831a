import {
  LOGICAL_TYPES,
  strictRule,
  type Bounds,
  type Column,
  type Contract,
  type Dataset,
  type LogicalType,
  type Plain,
  type Rule,
  type Test,
} from '#contracts'
import type { Names } from './names.ts'
import { refusedPattern } from './patterns.ts'
import { qualityRules, type Under } from './quality.ts'
import {
  objectsIn,
  openLinks,
  relationRules,
  type Links,
  type Objects,
  type OtherContract,
} from './relations.ts'
import { serviceRules } from './service.ts'
import { noSlips } from './slips.ts'
import { createReader, type Reader } from './words.ts'
import { readPlaces, type ContractProblem, type Place } from './yaml.ts'

/**
 * Reads a contract of the Open Data Contract Standard, version 3; never throws. Keys that are no rules are left alone.
 * `other` gives the contracts that foreign keys point into.
 */
export function readContract(
  text: string,
  other?: OtherContract,
): { contract: Contract | undefined; problems: ContractProblem[] } {
  const { contract, problems } = readWhole(text, other)
  return { contract, problems }
}

function readWhole(text: string, other?: OtherContract) {
  const { root, problems } = readPlaces(text)
  if (root === undefined) return { contract: undefined, objects: new Map(), problems }
  const reader = createReader()
  // Of another contract only its tables are needed, so its own foreign keys are not followed.
  const { contract, objects } = contractOf(
    reader,
    root,
    openLinks(other, (found) => readWhole(found)),
  )
  return {
    contract: reader.problems.length === 0 ? contract : undefined,
    objects,
    problems: reader.problems.toSorted((one, next) => one.line - next.line),
  }
}

function contractOf(
  reader: Reader,
  root: Place,
  links: Links,
): { contract: Contract; objects: Objects } {
  if (root.at('kind')?.value !== 'DataContract')
    reader.fault(root.entry('kind'), 'it must be DataContract; this is no data contract')
  const api = reader.text(root.entry('apiVersion'))
  if (api === undefined || !api.startsWith('v3.'))
    reader.fault(
      root.entry('apiVersion'),
      'it must be v3.0.0 or later; other versions are not read',
    )
  const objects = reader.list(root.at('schema'))
  if (objects.length === 0)
    reader.fault(
      root.entry('schema'),
      'it must list at least one object, with a name and its properties',
    )
  const named = new Map<string, Place>()
  for (const object of objects) {
    const name = reader.text(object.at('name'))
    if (name === undefined || name === '')
      reader.fault(object.entry('name'), 'an object needs a name')
    else if (named.has(name)) reader.fault(object.entry('name'), `there are two objects ${name}`)
    else named.set(name, object)
  }
  const objectsByName = objectsIn(named)
  const names: Names = new Map(
    Array.from(objectsByName, ([name, { properties }]) => [
      name,
      new Map(Array.from(properties, ([property, { column }]) => [property, column])),
    ]),
  )
  const service = serviceRules(reader, root, names)
  const kept = keptOf(reader, root)
  const datasets = Array.from(named, ([name, object]) =>
    datasetOf(reader, { root, object, name, names, service, objects: objectsByName, links }),
  )
  const others = links.used
  const contract: Contract = {
    ...(kept === undefined ? {} : { kept }),
    ...(others.length === 0 ? {} : { others }),
    id: reader.text(root.at('id')) ?? '',
    name: reader.text(root.at('name')) ?? reader.text(root.at('id')) ?? '',
    version: textOrNumber(root.at('version')),
    datasets,
  }
  return { contract, objects: objectsByName }
}

/** Versions such as 1.0 are numbers to YAML. */
function textOrNumber(place: Place | undefined): string {
  const value = place?.value
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Words of other tools, which are given back as they came. */
function keptOf(reader: Reader, root: Place): Readonly<Record<string, string>> | undefined {
  const schema = reader.text(custom(reader, root).get('tfdv'))
  return schema === undefined ? undefined : { tfdv: schema }
}

interface Ground {
  readonly root: Place
  readonly object: Place
  readonly name: string
  readonly names: Names
  readonly service: ReadonlyMap<string, readonly Rule[]>
  readonly objects: Objects
  readonly links: Links
}

const OBJECT_KEYS = ['name', 'physicalName', 'properties', 'quality', 'relationships']
const PROPERTY_KEYS = [
  'name',
  'physicalName',
  'logicalType',
  'logicalTypeOptions',
  'required',
  'unique',
  'primaryKey',
  'primaryKeyPosition',
  'enum',
  'quality',
  'relationships',
]
const OPTION_KEYS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'multipleOf',
  'pattern',
  'format',
]

function datasetOf(reader: Reader, ground: Ground): Dataset {
  const { object, name, names, service } = ground
  const own = names.get(name) ?? new Map<string, string>()
  const datasetColumns = (property: string) => own.get(property) ?? property
  const properties = reader.list(object.at('properties'))
  noSlips(reader, object, OBJECT_KEYS)
  const read = properties.flatMap((property) => propertyOf(reader, property, ground) ?? [])
  const columns = read.map(({ column }) => column)
  noTwice(reader, properties, columns)
  const under: Under = { dataset: name, column: null, datasetColumns }
  return {
    name,
    path: pathOf(reader, ground),
    columns,
    rules: uniqueIds([
      ...otherColumns(reader, object, { name, columns }),
      ...read.flatMap(({ rules }) => rules),
      ...primaryKey(name, properties, own),
      ...relationRules(reader, object.at('relationships'), { ...ground, property: undefined }),
      ...qualityRules(reader, object.at('quality'), under),
      ...(service.get(name) ?? []),
    ]),
  }
}

function noTwice(reader: Reader, places: readonly Place[], columns: readonly Column[]): void {
  const seen = new Set<string>()
  for (const [index, { name }] of columns.entries()) {
    if (seen.has(name))
      reader.fault(
        places[index] as Place,
        `there are two properties ${name}; each column is described once`,
      )
    seen.add(name)
  }
}

/** Two rules that say the same of one column are told apart by their order. */
function uniqueIds(rules: readonly Rule[]): Rule[] {
  const counts = new Map<string, number>()
  return rules.map((rule) => {
    const count = (counts.get(rule.id) ?? 0) + 1
    counts.set(rule.id, count)
    return count === 1 ? rule : { ...rule, id: `${rule.id}.${count}` }
  })
}

/** Where the data is: what the object says itself, else a server that is a folder here, with the object's name put in. */
function pathOf(reader: Reader, { root, object, name }: Ground): string | undefined {
  const physical = reader.text(object.at('physicalName'))
  const servers = reader.list(root.at('servers'))
  const local = servers.find((server) => server.at('type')?.value === 'local')
  const path = local === undefined ? undefined : reader.text(local.at('path'))
  const whole =
    path?.replaceAll(/\$?\{(?:model|object|table|schema)\}/g, physical ?? name) ?? physical
  if (whole === undefined) return undefined
  // A pattern of files of one folder is that folder.
  const plain = whole
    .replace(/^\.\//, '')
    .replace(/\/(?:\*\*\/)?\*[^/]*$/, '')
    .replace(/\/$/, '')
  // A name such as `flights_v1` is a table's in some database and no path.
  return /[/.]/.test(whole) || path !== undefined ? plain : undefined
}

function otherColumns(
  reader: Reader,
  object: Place,
  { name, columns }: { name: string; columns: readonly Column[] },
): Rule[] {
  const said = custom(reader, object).get('additionalColumns')
  const word = said === undefined ? 'warning' : reader.word(said, ['error', 'warning', 'ignore'])
  if (columns.length === 0 || word === undefined || word === 'ignore') return []
  const test: Test = { kind: 'other-columns', columns: columns.map((column) => column.name) }
  return [strictRule(name, test, { severity: word })]
}

/** `customProperties` by name. */
export function custom(reader: Reader, place: Place): ReadonlyMap<string, Place> {
  return new Map(
    reader.list(place.at('customProperties')).flatMap((entry) => {
      const property = entry.at('property')?.value
      return typeof property === 'string' ? [[property, entry.entry('value')] as const] : []
    }),
  )
}

function propertyOf(
  reader: Reader,
  place: Place,
  ground: Ground,
): { column: Column; rules: Rule[] } | undefined {
  const { name: dataset, names } = ground
  const logical = reader.text(place.at('name'))
  if (logical === undefined || logical === '')
    return reader.fault(place.entry('name'), 'a property needs a name')
  const name = names.get(dataset)?.get(logical) ?? logical
  noSlips(reader, place, PROPERTY_KEYS)
  const type = reader.word<LogicalType>(place.at('logicalType'), LOGICAL_TYPES)
  const column = { name, type }
  const isOptional = custom(reader, place).get('optional')?.value === true
  const under: Under = {
    dataset,
    column: name,
    datasetColumns: (property) => names.get(dataset)?.get(property) ?? property,
  }
  const rules = [
    ...(isOptional ? [] : [strictRule(dataset, { kind: 'column', column: name })]),
    ...(type === undefined ? [] : [strictRule(dataset, { kind: 'type', column: name, type })]),
    ...(reader.flag(place.at('required'))
      ? [strictRule(dataset, { kind: 'nulls', column: name })]
      : []),
    ...(reader.flag(place.at('unique'))
      ? [strictRule(dataset, { kind: 'duplicates', columns: [name] })]
      : []),
    ...enumRules(reader, place, { dataset, name }),
    ...optionRules(reader, place, { dataset, name, type }),
    ...relationRules(reader, place.at('relationships'), { ...ground, property: logical }),
    ...qualityRules(reader, place.at('quality'), under),
  ]
  return { column, rules }
}

function enumRules(
  reader: Reader,
  place: Place,
  { dataset, name }: { dataset: string; name: string },
): Rule[] {
  const values = reader.list(place.at('enum')).flatMap((entry) => {
    const value = entry.at('value')?.value
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return [value]
    reader.fault(entry, 'an entry of enum needs a value')
    return []
  })
  return values.length === 0 ? [] : [strictRule(dataset, { kind: 'set', column: name, values })]
}

function optionRules(
  reader: Reader,
  place: Place,
  { dataset, name, type }: { dataset: string; name: string; type: LogicalType | undefined },
): Rule[] {
  const options = place.at('logicalTypeOptions')
  if (options === undefined) return []
  noSlips(reader, options, OPTION_KEYS)
  const tests: Test[] = []
  const bounds = boundsOf(reader, options, type)
  if (Object.keys(bounds).length > 0)
    tests.push({ kind: 'range', column: name, type: type ?? 'number', bounds })
  const multiple = reader.number(options.at('multipleOf'))
  if (multiple !== undefined && multiple > 0)
    tests.push({ kind: 'multiple', column: name, of: multiple })
  const pattern = reader.text(options.at('pattern'))
  const refused = pattern === undefined ? undefined : refusedPattern(pattern)
  if (refused !== undefined) reader.fault(options.entry('pattern'), refused)
  else if (pattern !== undefined) tests.push({ kind: 'pattern', column: name, pattern })
  const format = reader.text(options.at('format'))
  const shape = type === 'string' && format !== undefined ? FORMATS[format] : undefined
  if (shape !== undefined) tests.push({ kind: 'pattern', column: name, pattern: shape })
  tests.push(...lengthTests(reader, options, name))
  return tests.map((test) => strictRule(dataset, test))
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  email: '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
  uri: '^[A-Za-z][A-Za-z0-9+.-]*:\\S+$',
  ipv4: '^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$',
}

function boundsOf(reader: Reader, options: Place, type: LogicalType | undefined): Bounds {
  const keys = [
    ['minimum', 'min'],
    ['maximum', 'max'],
    ['exclusiveMinimum', 'exclusiveMin'],
    ['exclusiveMaximum', 'exclusiveMax'],
  ] as const
  const bounds: Record<string, Plain> = {}
  for (const [written, key] of keys) {
    const place = options.at(written)
    // Version 3.0 had true and false beside minimum and maximum.
    if (place === undefined || typeof place.value === 'boolean') continue
    const value = isOfTime(type) ? timeBound(reader, place) : reader.number(place)
    if (value !== undefined) bounds[key] = value
  }
  for (const [flag, from, to] of EXCLUSIVE)
    if (options.at(flag)?.value === true && bounds[from] !== undefined) {
      bounds[to] = bounds[from]
      delete bounds[from]
    }
  return bounds
}

const EXCLUSIVE = [
  ['exclusiveMinimum', 'min', 'exclusiveMin'],
  ['exclusiveMaximum', 'max', 'exclusiveMax'],
] as const

function isOfTime(type: LogicalType | undefined): boolean {
  return type === 'date' || type === 'timestamp' || type === 'time'
}

/** Days and times as ISO 8601 writes them, which the engine reads. */
const TIME =
  /^(\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?|\d{2}:\d{2}(:\d{2}(\.\d+)?)?)$/

function timeBound(reader: Reader, place: Place): string | undefined {
  const text = reader.text(place)
  if (text === undefined || TIME.test(text)) return text
  return reader.fault(
    place,
    `it must be a day or a time such as 2024-01-31 or 2024-01-31T12:00:00Z, and is ${JSON.stringify(text)}`,
  )
}

function lengthTests(reader: Reader, options: Place, column: string): Test[] {
  const found = (of: 'text' | 'list', least: string, most: string): Test[] => {
    const min = reader.number(options.at(least))
    const max = reader.number(options.at(most))
    return min === undefined && max === undefined ? [] : [{ kind: 'length', column, of, min, max }]
  }
  return [...found('text', 'minLength', 'maxLength'), ...found('list', 'minItems', 'maxItems')]
}

/** All columns of a primary key together are unique, and none of them is null. */
function primaryKey(
  dataset: string,
  properties: readonly Place[],
  names: ReadonlyMap<string, string>,
): Rule[] {
  const keys = properties
    .filter((property) => property.at('primaryKey')?.value === true)
    .toSorted((one, other) => positionOf(one) - positionOf(other))
  const columns = keys.flatMap((property) => {
    const name = property.at('name')?.value
    return typeof name === 'string' ? [names.get(name) ?? name] : []
  })
  if (columns.length === 0) return []
  const notNull = keys.flatMap((property, index): Rule[] =>
    property.at('required')?.value === true
      ? []
      : [strictRule(dataset, { kind: 'nulls', column: columns[index] as string })],
  )
  const isSaid = columns.length === 1 && keys[0]?.at('unique')?.value === true
  return [...notNull, ...(isSaid ? [] : [strictRule(dataset, { kind: 'duplicates', columns })])]
}

function positionOf(property: Place): number {
  const position = property.at('primaryKeyPosition')?.value
  return typeof position === 'number' ? position : Number.MAX_SAFE_INTEGER
}
