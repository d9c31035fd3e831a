import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { exactNumber } from '#inference'
import { datatypeIn, typeOf, type Datatype } from './datatypes.ts'
import { binaryData, checkShape, listedData, textIn, type Spec } from './elements.ts'
import {
  checkedRequest,
  type InferInput,
  type InferRequest,
  type Parameters,
  type RequestedOutput,
} from './request.ts'

// ModelInferRequest, read field by field: every prediction is one, and nothing is made on the way to its tensors.

/** A request for a prediction, as gRPC has it. */
export interface GrpcInferRequest {
  readonly model: string
  readonly version: string
  readonly request: InferRequest
  /** Its tensors were sent as bytes, and those of the answer are sent so too. */
  readonly raw: boolean
}

const BYTES = WireType.LengthDelimited
const NONE: Parameters = {}

interface Draft {
  name: string
  datatype: string
  shape: number[]
  parameters: Parameters
  contents: Contents | undefined
}

/** Throws `invalid` for tensors that are none, and errors of other kinds for bytes that are no message. */
export function inferRequestInProtobuf(bytes: Uint8Array): GrpcInferRequest {
  const inputs: Draft[] = []
  const outputs: RequestedOutput[] = []
  const raw: Uint8Array[] = []
  const texts = ['', '', '', '']
  const parameters: Record<string, ExactJson> = {}
  const reader = new BinaryReader(bytes)
  while (reader.pos < bytes.length) {
    const [field, type] = reader.tag()
    if (field <= 3) texts[field] = reader.string()
    else if (field === 4) readParameter(reader, parameters)
    else if (field === 5) inputs.push(readInput(reader))
    else if (field === 6) outputs.push(readOutput(reader))
    else if (field === 7) raw.push(reader.bytes())
    else reader.skip(type, field)
  }
  checkEnd(reader, bytes.length)
  const [, model = '', version = '', id = ''] = texts
  const request = checkedRequest({
    id,
    inputs: tensorsOf(inputs, raw),
    outputs: outputs.length === 0 ? undefined : outputs,
    parameters,
  })
  return { model, version, request, raw: raw.length > 0 }
}

function readInput(reader: BinaryReader): Draft {
  const draft: Draft = { name: '', datatype: '', shape: [], parameters: NONE, contents: undefined }
  const end = endOf(reader)
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    if (field === 1) draft.name = reader.string()
    else if (field === 2) draft.datatype = reader.string()
    else if (field === 3) readSizes(reader, type, draft.shape)
    else if (field === 4) draft.parameters = added(reader, draft.parameters)
    else if (field === 5) draft.contents = readContents(reader, draft.contents)
    else reader.skip(type, field)
  }
  checkEnd(reader, end)
  return draft
}

function readOutput(reader: BinaryReader): RequestedOutput {
  let name = ''
  let parameters = NONE
  const end = endOf(reader)
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    if (field === 1) name = reader.string()
    else if (field === 2) parameters = added(reader, parameters)
    else reader.skip(type, field)
  }
  checkEnd(reader, end)
  return { name, parameters }
}

function endOf(reader: BinaryReader): number {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('a message is longer than the bytes that hold it')
  return end
}

function checkEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a message ends in the middle of a field')
}

function readSizes(reader: BinaryReader, type: WireType, sizes: number[]): void {
  const end = type === BYTES ? endOf(reader) : 0
  if (type !== BYTES) sizes.push(Number(reader.int64()))
  while (reader.pos < end) sizes.push(Number(reader.int64()))
  if (type === BYTES) checkEnd(reader, end)
}

function added(reader: BinaryReader, parameters: Parameters): Parameters {
  const more: Record<string, ExactJson> = { ...parameters }
  readParameter(reader, more)
  return more
}

/** One entry of the map. */
function readParameter(reader: BinaryReader, parameters: Record<string, ExactJson>): void {
  let key = ''
  let value: ExactJson | undefined
  const end = endOf(reader)
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    if (field === 1) key = reader.string()
    else if (field === 2) value = readValue(reader)
    else reader.skip(type, field)
  }
  checkEnd(reader, end)
  if (value !== undefined)
    Object.defineProperty(parameters, key, { value, enumerable: true, configurable: true })
}

function readValue(reader: BinaryReader): ExactJson | undefined {
  let value: ExactJson | undefined
  const end = endOf(reader)
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    if (field === 1) value = reader.bool()
    else if (field === 2) value = exactNumber(BigInt(reader.int64()))
    else if (field === 3) value = reader.string()
    else if (field === 4) value = reader.double()
    else if (field === 5) value = exactNumber(BigInt(reader.uint64()))
    else reader.skip(type, field)
  }
  checkEnd(reader, end)
  return value
}

/** The elements of a tensor that were not sent as its bytes: which list they are in, and what it has. */
interface Contents {
  readonly field: number
  readonly values: ExactJson[]
  /** Of packed floats, as they came. */
  readonly blocks: Uint8Array[]
}

const LISTS: Readonly<Record<number, (reader: BinaryReader) => ExactJson>> = {
  1: (reader) => reader.bool(),
  2: (reader) => reader.int32(),
  3: (reader) => BigInt(reader.int64()),
  4: (reader) => reader.uint32(),
  5: (reader) => BigInt(reader.uint64()),
  6: (reader) => reader.float(),
  7: (reader) => reader.double(),
}

/** The list that the elements of a datatype are in. */
const LIST_OF: Readonly<Partial<Record<Datatype, number>>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
}

function readContents(reader: BinaryReader, before: Contents | undefined): Contents | undefined {
  let contents = before
  const end = endOf(reader)
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    if (field > 8) {
      reader.skip(type, field)
      continue
    }
    contents ??= { field, values: [], blocks: [] }
    if (contents.field !== field)
      throw new Problem('invalid', 'the contents of an input are in lists of two types; use one')
    readList(reader, type, contents)
  }
  checkEnd(reader, end)
  return contents
}

function readList(reader: BinaryReader, type: WireType, { field, values, blocks }: Contents): void {
  if (field === 8) values.push(textIn(reader.bytes(), 'of bytes_contents'))
  else if (type === BYTES && field >= 6) blocks.push(reader.bytes())
  else {
    const read = LISTS[field]
    if (read === undefined) throw new RangeError(`there is no list ${field} of contents`)
    const end = type === BYTES ? endOf(reader) : -1
    if (end < 0) values.push(read(reader))
    while (reader.pos < end) values.push(read(reader))
    if (end >= 0) checkEnd(reader, end)
  }
}

function tensorsOf(drafts: readonly Draft[], raw: readonly Uint8Array[]): InferInput[] {
  if (raw.length > 0 && raw.length !== drafts.length)
    throw new Problem(
      'invalid',
      `there are ${drafts.length} inputs and ${raw.length} raw_input_contents; send one for each input, in their order`,
    )
  return drafts.map((draft, index) => {
    const { name, parameters, contents } = draft
    const datatype = datatypeIn(draft.datatype, name)
    const shape = checkShape(draft.shape, name)
    const spec: Spec = { name, datatype, shape }
    const bytes = raw[index]
    if (bytes !== undefined && contents !== undefined)
      throw new Problem(
        'invalid',
        `input ${name} has contents beside raw_input_contents; send all inputs one way`,
      )
    const data = bytes === undefined ? contentsData(contents, spec) : binaryData(bytes, spec)
    return { tensor: { name, type: typeOf(datatype), shape, data }, parameters }
  })
}

function contentsData(contents: Contents | undefined, spec: Spec) {
  const { name, datatype } = spec
  const list = LIST_OF[datatype]
  if (list === undefined)
    throw new Problem('invalid', `input ${name} is of ${datatype}; send it in raw_input_contents`)
  if (contents === undefined) return listedData([], spec)
  if (contents.field !== list)
    throw new Problem('invalid', `the contents of input ${name} are not in the list of ${datatype}`)
  // Floats that came one by one are joined to nobody's blocks.
  return contents.blocks.length > 0 && contents.values.length === 0
    ? binaryData(joined(contents.blocks), spec)
    : listedData(contents.values, spec)
}

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  const [only, ...more] = blocks
  return only !== undefined && more.length === 0 ? only : Buffer.concat(blocks)
}
