import { damaged, fieldsOf, packedNumbers, type Bytes, type Fields, type Span } from './wire.ts'

/** What an ONNX file says of itself, without the numbers that it holds. */
export interface ModelFile {
  readonly irVersion: number
  readonly opsets: ReadonlyMap<string, number>
  /** Operators that the file defines by itself, as `domain:name`. */
  readonly functions: ReadonlySet<string>
  /** Where the graph's message lies, and the field that holds it begins. */
  readonly graph: Span
  readonly graphFrom: number
  /** Of the graph, of all graphs within it, and of the functions. */
  readonly nodes: readonly ModelNode[]
  readonly tensors: readonly TensorHead[]
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}

export interface ModelNode {
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** 0 in the graph itself, more in graphs within it and in functions. */
  readonly depth: number
  /** The whole message, and the field that holds it. */
  readonly span: Span & { readonly from: number }
}

/** A constant, without its numbers. */
export interface TensorHead {
  readonly name: string
  readonly type: number
  readonly dims: readonly number[]
  /** Bytes of raw numbers; `null` when they are written in another way. */
  readonly rawBytes: number | null
  /** The most elements that the other ways can hold. */
  readonly listedMax: number
  /** Where the numbers are kept beside the file, as the file says it. */
  readonly external: ReadonlyMap<string, string> | null
  readonly span: Span
}

export interface ValueInfo {
  readonly name: string
  readonly kind: 'tensor' | 'sequence' | 'map' | 'optional' | 'sparse tensor' | 'opaque value'
  /** Element type of a tensor, 0 for all else. */
  readonly type: number
  /** Of a tensor: the fixed dimensions, `null` for those that vary. */
  readonly shape: readonly (number | null)[]
  readonly span: Span & { readonly from: number }
}

/** Names are short; a longer one is an attack or damage. */
const TEXT_BYTES_MAX = 64 * 1024

/** A graph in a graph in a graph: real models have two. */
const DEPTH_MAX = 32

/** Real tensors have up to eight. */
const DIMENSIONS_MAX = 64

/** More nodes than any model has, few enough to be held. */
const NODES_MAX = 2_000_000

/** Reads what a file says of itself. Throws an `invalid` problem where it is damaged. */
export function readModelFile(bytes: Bytes): ModelFile {
  const found: Found = { nodes: [], tensors: [], functions: new Set() }
  const opsets = new Map<string, number>()
  let irVersion = 0
  let graph: Span | undefined
  let graphFrom = 0
  const fields = fieldsOf(bytes, { start: 0, end: bytes.size })
  while (fields.next()) {
    if (fields.number === 1) irVersion = fields.value
    else if (fields.number === 7) {
      if (graph !== undefined) throw damaged('it holds two graphs')
      graph = { start: fields.start, end: fields.end }
      graphFrom = fields.from
    } else if (fields.number === 8) readOpset(bytes, fields, opsets)
    else if (fields.number === 25) readFunction(bytes, fields, found)
  }
  if (graph === undefined) throw damaged('it holds no graph')
  const { inputs, outputs } = readGraph(bytes, graph, { found, depth: 0 })
  return { irVersion, opsets, graph, graphFrom, inputs, outputs, ...found }
}

interface Found {
  readonly nodes: ModelNode[]
  readonly tensors: TensorHead[]
  readonly functions: Set<string>
}

interface Place {
  readonly found: Found
  readonly depth: number
}

function readOpset(bytes: Bytes, span: Span, opsets: Map<string, number>): void {
  let domain = ''
  let version = 1
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 1) domain = textOf(bytes, fields)
    else if (fields.number === 2) version = fields.value
  opsets.set(domain, version)
}

function readFunction(bytes: Bytes, span: Span, found: Found): void {
  let name = ''
  let domain = ''
  const place = { found, depth: 1 }
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 1) name = textOf(bytes, fields)
    else if (fields.number === 10) domain = textOf(bytes, fields)
    else if (fields.number === 7) readNode(bytes, fields, place)
    else if (fields.number === 11) readAttribute(bytes, fields, place)
  found.functions.add(`${domain}:${name}`)
}

function readGraph(
  bytes: Bytes,
  span: Span,
  place: Place,
): { inputs: ValueInfo[]; outputs: ValueInfo[] } {
  if (place.depth > DEPTH_MAX) throw damaged(`it nests graphs more than ${DEPTH_MAX} deep`)
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const fields = fieldsOf(bytes, span)
  while (fields.next()) {
    if (fields.number === 1) readNode(bytes, fields, place)
    else if (fields.number === 5) place.found.tensors.push(readTensor(bytes, fields))
    else if (fields.number === 15) readSparse(bytes, fields, place.found)
    else if (fields.number === 11) inputs.push(readValueInfo(bytes, fields))
    else if (fields.number === 12) outputs.push(readValueInfo(bytes, fields))
  }
  return { inputs, outputs }
}

function readNode(bytes: Bytes, { from, start, end }: Span & { from: number }, place: Place): void {
  const { nodes } = place.found
  if (nodes.length >= NODES_MAX) throw damaged(`it has more than ${NODES_MAX} nodes`)
  let op = ''
  let domain = ''
  const inputs: string[] = []
  const outputs: string[] = []
  const fields = fieldsOf(bytes, { start, end })
  while (fields.next())
    if (fields.number === 1) inputs.push(textOf(bytes, fields))
    else if (fields.number === 2) outputs.push(textOf(bytes, fields))
    else if (fields.number === 4) op = textOf(bytes, fields)
    else if (fields.number === 5) readAttribute(bytes, fields, place)
    else if (fields.number === 7) domain = textOf(bytes, fields)
  nodes.push({ op, domain, inputs, outputs, depth: place.depth, span: { from, start, end } })
}

/** Looks for tensors and graphs in an attribute; its numbers and texts are passed over. */
function readAttribute(bytes: Bytes, span: Span, place: Place): void {
  const { found, depth } = place
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 5 || fields.number === 10) found.tensors.push(readTensor(bytes, fields))
    else if (fields.number === 6 || fields.number === 11)
      readGraph(bytes, fields, { found, depth: depth + 1 })
    else if (fields.number === 22 || fields.number === 23) readSparse(bytes, fields, found)
}

function readSparse(bytes: Bytes, span: Span, found: Found): void {
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 1 || fields.number === 2) found.tensors.push(readTensor(bytes, fields))
}

function readTensor(bytes: Bytes, { start, end }: Span): TensorHead {
  const head = { name: '', type: 0, rawBytes: null as number | null, listedMax: 0 }
  const dims: number[] = []
  let external: Map<string, string> | null = null
  let isExternal = false
  const fields = fieldsOf(bytes, { start, end })
  while (fields.next()) {
    const length = fields.end - fields.start
    const { number } = fields
    if (number === 1) dims.push(...dimensionsOf(bytes, fields))
    else if (number === 2) head.type = fields.value
    else if (number === 8) head.name = textOf(bytes, fields)
    else if (number === 9) head.rawBytes = (head.rawBytes ?? 0) + length
    else if (number === 13) readEntry(bytes, fields, (external ??= new Map<string, string>()))
    else if (number === 14) isExternal = fields.value === 1
    else if (number === 6) head.listedMax += 1
    // A packed list of numbers; the smallest take a byte each. Two elements of four bits share one number.
    else if (number === 5) head.listedMax += Number.isNaN(fields.value) ? length * 2 : 2
    else if (number === 7 || number === 11)
      head.listedMax += Number.isNaN(fields.value) ? length : 1
    else if (number === 4) head.listedMax += Math.ceil(length / 4)
    else if (number === 10) head.listedMax += Math.ceil(length / 8)
    if (dims.length > DIMENSIONS_MAX) throw damaged('a tensor has too many dimensions')
  }
  return {
    ...head,
    dims,
    external: isExternal ? (external ?? new Map()) : null,
    span: { start, end },
  }
}

/** A number of its own, or a packed list of them. */
function dimensionsOf(bytes: Bytes, field: Fields): number[] {
  if (!Number.isNaN(field.value)) return [field.value]
  return packedNumbers(bytes, field, DIMENSIONS_MAX)
}

function readEntry(bytes: Bytes, span: Span, entries: Map<string, string>): void {
  let key = ''
  let value = ''
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 1) key = textOf(bytes, fields)
    else if (fields.number === 2) value = textOf(bytes, fields)
  entries.set(key, value)
}

const KINDS: Readonly<Record<number, ValueInfo['kind']>> = {
  1: 'tensor',
  4: 'sequence',
  5: 'map',
  7: 'opaque value',
  8: 'sparse tensor',
  9: 'optional',
}

function readValueInfo(bytes: Bytes, { from, start, end }: Span & { from: number }): ValueInfo {
  let name = ''
  let kind: ValueInfo['kind'] = 'opaque value'
  let tensor: Pick<ValueInfo, 'type' | 'shape'> = { type: 0, shape: [] }
  const fields = fieldsOf(bytes, { start, end })
  while (fields.next())
    if (fields.number === 1) name = textOf(bytes, fields)
    else if (fields.number === 2) {
      const types = fieldsOf(bytes, fields)
      while (types.next()) {
        kind = KINDS[types.number] ?? kind
        if (types.number === 1) tensor = readTensorType(bytes, types)
      }
    }
  return { name, kind, ...tensor, span: { from, start, end } }
}

function readTensorType(bytes: Bytes, span: Span): Pick<ValueInfo, 'type' | 'shape'> {
  let type = 0
  const shape: (number | null)[] = []
  const fields = fieldsOf(bytes, span)
  while (fields.next())
    if (fields.number === 1) type = fields.value
    else if (fields.number === 2) {
      const sizes = fieldsOf(bytes, fields)
      while (sizes.next()) if (sizes.number === 1) shape.push(sizeOf(bytes, sizes))
    }
  return { type, shape }
}

function sizeOf(bytes: Bytes, span: Span): number | null {
  let size: number | null = null
  const fields = fieldsOf(bytes, span)
  while (fields.next()) if (fields.number === 1) size = fields.value
  return size
}

function textOf(bytes: Bytes, span: Span): string {
  return bytes.copy(span, TEXT_BYTES_MAX).toString()
}
