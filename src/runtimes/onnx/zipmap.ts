import { createHash } from 'node:crypto'
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { ModelFile, ModelNode } from './model-file.ts'
import { fieldsOf, openBytes, type Bytes, type Span } from './wire.ts'

/** A model as it is run, and what its outputs are called in answers. */
export interface Runnable {
  readonly path: string
  /** The names of answers by those of the file, where they differ. */
  readonly names: ReadonlyMap<string, string>
}

/** How converters for scikit-learn call the outputs that they add a ZipMap to. */
const LABEL_NAMES = new Set(['output_label', 'label_output'])

/**
 * Converters end classifiers with a ZipMap: a list of maps from class to probability, which only Python
 * can take. Its input is the tensor of probabilities: a copy of the file without it, beside the original,
 * gives that. A file without a ZipMap is run as it is.
 */
export function withoutZipMaps(path: string, file: ModelFile): Runnable {
  const zips = file.nodes.filter(
    ({ op, domain, depth }) => op === 'ZipMap' && domain === 'ai.onnx.ml' && depth === 0,
  )
  if (zips.length === 0) return { path, names: new Map() }
  const copy = join(dirname(path), `.${digestOf(path)}.tensors.onnx`)
  const bytes = openBytes(path)
  try {
    write(copy, bytes, partsWithout(bytes, file, zips))
  } finally {
    bytes.close()
  }
  return { path: copy, names: namesOf(file, zips) }
}

function digestOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12)
}

function namesOf(file: ModelFile, zips: readonly ModelNode[]): Map<string, string> {
  const zipped = new Set(zips.map(({ outputs }) => outputs[0]))
  const names = new Map<string, string>()
  const label = file.outputs.find(({ name }) => LABEL_NAMES.has(name) && !zipped.has(name))
  if (label !== undefined) names.set(label.name, 'label')
  const [zip] = zips as [ModelNode, ...ModelNode[]]
  if (zips.length === 1) names.set(zip.inputs[0] ?? '', 'probabilities')
  const others = file.outputs.filter(({ name }) => !names.has(name) && !zipped.has(name))
  // A name that the model itself uses stays with what it names.
  for (const [from, to] of names)
    if (from === to || others.some(({ name }) => name === to)) names.delete(from)
  return names
}

type Part = Span | Buffer

/** The file without the nodes, in parts of the old one and new bytes. */
function partsWithout(bytes: Bytes, file: ModelFile, zips: readonly ModelNode[]): Part[] {
  const zipOf = new Map(zips.map((zip) => [zip.outputs[0] ?? '', zip]))
  const kept = new Set(file.outputs.map(({ name }) => name))
  const cuts = [
    ...zips.map(({ span }) => ({ span, by: Buffer.alloc(0) })),
    ...file.outputs.flatMap(({ name, span }) => {
      const zip = zipOf.get(name)
      if (zip === undefined) return []
      const [input = ''] = zip.inputs
      const by = kept.has(input) ? Buffer.alloc(0) : matrixOutput(input, classesOf(bytes, zip))
      return [{ span, by }]
    }),
  ].toSorted((one, other) => one.span.from - other.span.from)

  const inner: Part[] = []
  let at = file.graph.start
  for (const { span, by } of cuts) {
    inner.push({ start: at, end: span.from }, by)
    at = span.end
  }
  inner.push({ start: at, end: file.graph.end })
  const length = inner.reduce((sum, part) => sum + lengthOf(part), 0)
  return [
    { start: 0, end: file.graphFrom },
    Buffer.concat([varint(7 * 8 + 2), varint(length)]),
    ...inner,
    { start: file.graph.end, end: bytes.size },
  ]
}

/** How many classes a ZipMap names: its input has a column for each. */
function classesOf(bytes: Bytes, zip: ModelNode): number {
  let classes = 0
  const fields = fieldsOf(bytes, zip.span)
  while (fields.next())
    if (fields.number === 5) {
      const attribute = fieldsOf(bytes, fields)
      // Lists of whole numbers and of texts.
      while (attribute.next()) if (attribute.number === 8 || attribute.number === 9) classes += 1
    }
  return classes
}

/** The output field of a graph for a float32 tensor of any number of rows. */
function matrixOutput(name: string, columns: number): Buffer {
  const dimensions = [field(1, field(2, Buffer.from('rows'))), field(1, numberField(1, columns))]
  const tensor = Buffer.concat([numberField(1, 1), field(2, Buffer.concat(dimensions))])
  return field(12, Buffer.concat([field(1, Buffer.from(name)), field(2, field(1, tensor))]))
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) + 128 : rest)
    if (rest < 128) return Buffer.from(bytes)
  }
}

function lengthOf(part: Part): number {
  return Buffer.isBuffer(part) ? part.length : part.end - part.start
}

const CHUNK_BYTES = 1024 * 1024

/** Written under another name first: two processes may do so at once, and either may die. */
function write(path: string, bytes: Bytes, parts: readonly Part[]): void {
  const draft = `${path}.${process.pid}`
  const file = openDraft(draft)
  try {
    for (const part of parts)
      if (Buffer.isBuffer(part)) writeSync(file, part)
      else
        for (let start = part.start; start < part.end; start += CHUNK_BYTES)
          writeSync(
            file,
            bytes.copy({ start, end: Math.min(start + CHUNK_BYTES, part.end) }, CHUNK_BYTES),
          )
    closeSync(file)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

function openDraft(draft: string): number {
  try {
    return openSync(draft, 'w')
  } catch (error) {
    throw new Problem(
      'invalid',
      `the model ends in a list of maps (ZipMap), and no copy without it can be written beside it (${String(error)}); convert the model without: to_onnx(model, options={"zipmap": False})`,
    )
  }
}
