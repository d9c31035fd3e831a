import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { Problem } from '#base/problem'
import { readModelFile, type ModelFile, type TensorHead, type ValueInfo } from './model-file.ts'
import { damaged, openBytes, type Bytes } from './wire.ts'

/** The newest formats that the ONNX Runtime in this package reads. */
const IR_VERSION_MAX = 13
const OPSETS_MAX: Readonly<Record<string, number>> = {
  '': 26,
  'ai.onnx': 26,
  'ai.onnx.ml': 5,
  'com.microsoft': 1,
}

/** Bits of one element, by ONNX's number of the type; strings have no width. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  8: 0,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
}

/** The types that requests and answers can carry, and the names of those that they cannot. */
const CARRIED = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
const TYPE_NAMES: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8',
  18: 'float8',
  19: 'float8',
  20: 'float8',
  21: 'uint4',
  22: 'int4',
  23: 'float4',
  24: 'float8',
}
const BFLOAT16 = 16

/**
 * Looks a model's file over before ONNX Runtime is given it: nothing that it says is believed that the
 * bytes do not bear out, and it may refer to nothing but files beside it. Throws an `invalid` problem that
 * says what to do. Gives the open file's description.
 */
export function admitted(path: string): ModelFile {
  const bytes = openBytes(path)
  try {
    refuseOtherFormats(bytes)
    const file = readModelFile(bytes)
    checkVersions(file)
    checkOperators(file)
    for (const value of file.inputs) checkInput(value)
    for (const value of file.outputs) checkOutput(value, file)
    for (const tensor of file.tensors) checkTensor(tensor, dirname(path), bytes.size)
    return file
  } finally {
    bytes.close()
  }
}

/** Formats that are taken for ONNX by their name; a pickle would run code of its author. */
function refuseOtherFormats(bytes: Bytes): void {
  if (bytes.size === 0) throw damaged('it is empty')
  const head = bytes.copy({ start: 0, end: Math.min(8, bytes.size) }, 8)
  const format =
    head[0] === 0x80 && (head[1] ?? 9) <= 5
      ? 'a pickle'
      : head.subarray(0, 2).toString() === 'PK'
        ? 'a zip archive, as PyTorch and Keras write them'
        : head.subarray(1, 4).toString() === 'HDF'
          ? 'an HDF5 file'
          : undefined
  if (format !== undefined)
    throw new Problem(
      'invalid',
      `the model's file is ${format}, not ONNX; it is not opened here: convert the model with "orrery convert" or log it with the flavor that it is of`,
    )
}

function checkVersions({ irVersion, opsets }: ModelFile): void {
  if (irVersion < 1 || irVersion > IR_VERSION_MAX)
    throw new Problem(
      'invalid',
      `the model's file is of IR version ${irVersion}, and versions 1 to ${IR_VERSION_MAX} are served; set model.ir_version to ${IR_VERSION_MAX} or less, or export it with an older onnx`,
    )
  for (const [domain, version] of opsets) {
    const most = OPSETS_MAX[domain]
    if (most !== undefined && version > most)
      throw new Problem(
        'invalid',
        `the model uses opset ${version} of ${domain || 'ai.onnx'}, and up to ${most} is served; export it with target_opset ${most} or less`,
      )
  }
}

function checkOperators({ nodes, functions }: ModelFile): void {
  for (const { op, domain } of nodes)
    if (!(domain in OPSETS_MAX) && !functions.has(`${domain}:${op}`))
      throw new Problem(
        'invalid',
        `the model uses the custom operator ${op} of ${domain}, whose code it does not hold; export it with standard operators only, or log it with its Python flavor`,
      )
}

function checkInput(value: ValueInfo): void {
  if (value.kind !== 'tensor')
    throw new Problem(
      'invalid',
      `input ${value.name} is ${withArticle(value.kind)}, and only tensors can be sent; export the model with tensors as inputs`,
    )
  checkCarried('input', value)
}

function checkOutput(value: ValueInfo, { nodes }: ModelFile): void {
  if (value.kind === 'tensor') return checkCarried('output', value)
  // Lists of maps that converters add at the end are taken off again.
  if (nodes.some(({ op, outputs }) => op === 'ZipMap' && outputs[0] === value.name))
    return undefined
  throw new Problem(
    'invalid',
    `output ${value.name} is ${withArticle(value.kind)}, and only tensors can be answered; export the model with tensors as outputs, or log it with its Python flavor`,
  )
}

function checkCarried(side: string, { name, type }: ValueInfo): void {
  // A type that is left out is inferred by the runtime.
  if (type === 0 || CARRIED.has(type)) return
  throw new Problem(
    'invalid',
    `${side} ${name} is of type ${TYPE_NAMES[type] ?? type}, which requests cannot carry; export the model with float32 ${side}s`,
  )
}

function checkTensor(tensor: TensorHead, folder: string, fileBytes: number): void {
  const { name, type, dims, rawBytes, listedMax, external } = tensor
  if (type === BFLOAT16)
    throw new Problem(
      'invalid',
      `the constant ${name} is of type bfloat16, which is not computed with here; export the model in float32 or float16`,
    )
  const bits = ELEMENT_BITS[type]
  // A type that is newer than this table is for the runtime to know.
  if (bits === undefined) return
  if (dims.some((size) => size < 0)) throw damaged(`the constant ${name} has a negative dimension`)
  const elements = dims.reduce((product, size) => product * size, 1)
  const expected = Math.ceil((elements * bits) / 8)
  if (external !== null) return checkExternal(tensor, external, { folder, expected })
  if (rawBytes !== null && bits > 0 && rawBytes !== expected)
    throw damaged(
      `the constant ${name} of the shape [${dims.join(', ')}] takes ${expected} bytes, but ${rawBytes} are there`,
    )
  if (rawBytes === null && (elements > listedMax || expected > fileBytes * 8))
    throw damaged(
      `the constant ${name} of the shape [${dims.join(', ')}] has ${elements} elements, but no more than ${listedMax} are there`,
    )
}

/** Numbers that are kept in a file of their own, which must lie beside the model or below. */
function checkExternal(
  { name }: TensorHead,
  external: ReadonlyMap<string, string>,
  { folder, expected }: { folder: string; expected: number },
): void {
  const location = external.get('location') ?? ''
  const path = resolve(folder, location)
  const outside =
    location === '' || location.includes('\0') || isAbsolute(location) || !isBelow(folder, path)
  if (outside || (existsSync(path) && !isBelow(realpathSync(folder), realpathSync(path))))
    throw new Problem(
      'invalid',
      `the constant ${name} is kept in ${JSON.stringify(location)}, which is outside the model's folder; save the model with its data beside it (onnx.save with save_as_external_data) and log it anew`,
    )
  if (!existsSync(path) || !statSync(path).isFile())
    throw new Problem(
      'invalid',
      `the constant ${name} is kept in ${location}, which is not among the model's files; log the model together with it`,
    )
  const size = statSync(path).size
  const offset = wholeOf(external.get('offset') ?? '0')
  const length = wholeOf(external.get('length') ?? String(expected))
  if (!(offset + length <= size) || length !== expected)
    throw damaged(
      `the constant ${name} takes ${expected} bytes of ${location}, but the part that it names does not fit the ${size} that are there`,
    )
}

function withArticle(kind: string): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

function wholeOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}
