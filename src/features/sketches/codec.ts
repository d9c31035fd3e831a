import { bytesReader, bytesWriter, type BytesReader, type BytesWriter } from './bytes.ts'
import { REGISTERS } from './distinct.ts'
import { emptyNumbers, settle, type NumberSketch, type Weighted } from './numbers.ts'
import { COUNTED, emptySketch, type ColumnSketch } from './sketch.ts'
import { emptyTexts, type TextSketch } from './texts.ts'

/** The first byte of a sketch: what follows is written so. */
const VERSION = 1

/** How a list of numbers is written: as narrow as they are read back the same. */
const INT32 = 0
const FLOAT32 = 1
const FLOAT64 = 2

/** A sketch in bytes, as `decodeSketch` reads it. */
export function encodeSketch(sketch: ColumnSketch): Uint8Array {
  const to = bytesWriter()
  to.byte(VERSION)
  for (const part of COUNTED) to.count(sketch[part])
  writeNumbers(to, sketch.numbers)
  writeTexts(to, sketch.texts)
  return to.done()
}

/** Throws for what is no sketch. */
export function decodeSketch(bytes: Uint8Array): ColumnSketch {
  const from = bytesReader(bytes)
  const version = from.byte()
  if (version !== VERSION) throw new Error(`a sketch has the unknown version ${version}`)
  const sketch = emptySketch()
  for (const part of COUNTED) sketch[part] = from.count()
  return { ...sketch, numbers: readNumbers(from), texts: readTexts(from) }
}

function writeNumbers(to: BytesWriter, numbers: NumberSketch): void {
  settle(numbers)
  const { count, exact, levels } = numbers
  to.count(count)
  if (count === 0) return
  for (const moment of [numbers.mean, numbers.m2, numbers.min, numbers.max]) to.double(moment)
  to.byte(exact === null ? 0 : 1)
  if (exact !== null) {
    writeList(to, exact.values)
    for (const weight of exact.weights) to.count(weight)
    return
  }
  to.count(levels.length)
  for (const items of levels) writeList(to, items)
  to.double(numbers.variance)
  to.count(numbers.coins)
  writeRegisters(to, numbers.registers)
}

function readNumbers(from: BytesReader): NumberSketch {
  const numbers = emptyNumbers()
  numbers.count = from.count()
  if (numbers.count === 0) return numbers
  numbers.mean = from.double()
  numbers.m2 = from.double()
  numbers.min = from.double()
  numbers.max = from.double()
  if (from.byte() === 1) return { ...numbers, exact: readExact(from) }
  const levels = Array.from({ length: from.count() }, () => readList(from))
  const [variance, coins] = [from.double(), from.count()]
  return { ...numbers, exact: null, levels, variance, coins, registers: readRegisters(from) }
}

function readExact(from: BytesReader): Weighted {
  const values = readList(from)
  return { values, weights: Float64Array.from(values, () => from.count()) }
}

function writeTexts(to: BytesWriter, { count, counts, offset, registers }: TextSketch): void {
  to.count(count)
  if (count === 0) return
  to.count(offset)
  to.count(counts.size)
  for (const [text, times] of counts) {
    to.text(text)
    to.count(times)
  }
  writeRegisters(to, registers)
}

function readTexts(from: BytesReader): TextSketch {
  const texts = emptyTexts()
  texts.count = from.count()
  if (texts.count === 0) return texts
  texts.offset = from.count()
  for (let left = from.count(); left > 0; left--) texts.counts.set(from.text(), from.count())
  texts.registers = readRegisters(from)
  return texts
}

function writeList(to: BytesWriter, values: Float64Array): void {
  to.count(values.length)
  if (values.every((value) => (value | 0) === value)) {
    to.byte(INT32)
    for (const value of values) to.int32(value)
  } else if (values.every((value) => Math.fround(value) === value)) {
    to.byte(FLOAT32)
    for (const value of values) to.float(value)
  } else {
    to.byte(FLOAT64)
    for (const value of values) to.double(value)
  }
}

function readList(from: BytesReader): Float64Array {
  const values = new Float64Array(from.count())
  const width = from.byte()
  for (let at = 0; at < values.length; at++)
    values[at] = width === INT32 ? from.int32() : width === FLOAT32 ? from.float() : from.double()
  return values
}

function writeRegisters(to: BytesWriter, registers: Uint8Array | null): void {
  to.byte(registers === null ? 0 : 1)
  for (const rank of registers ?? []) to.byte(rank)
}

function readRegisters(from: BytesReader): Uint8Array | null {
  if (from.byte() === 0) return null
  return Uint8Array.from({ length: REGISTERS }, () => from.byte())
}

/** Sketches of many columns, by name, in the order they have. */
export function encodeSketches(sketches: ReadonlyMap<string, ColumnSketch>): Uint8Array {
  const to = bytesWriter()
  to.count(sketches.size)
  for (const [name, sketch] of sketches) {
    to.text(name)
    to.blob(encodeSketch(sketch))
  }
  return to.done()
}

/** Throws for what are no sketches. */
export function decodeSketches(bytes: Uint8Array): Map<string, ColumnSketch> {
  const from = bytesReader(bytes)
  const sketches = new Map<string, ColumnSketch>()
  for (let left = from.count(); left > 0; left--)
    sketches.set(from.text(), decodeSketch(from.blob()))
  return sketches
}
