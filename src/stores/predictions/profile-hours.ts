import type { NewBatch, NumericBatch, Value } from '#inference'
import { PROFILED_ELEMENTS_MAX, type SegmentRow } from '#serving'
import { addNumbers, addValue, emptySketch, mergeInto, type ColumnSketch } from '#sketches'
import { HOUR_MS } from './append.ts'

/** What one revision answered in an hour of event time. */
export interface Hour {
  readonly hour: number
  readonly revision: number
  readonly modelVersion: string
  rows: number
  /** By what `columnName` says. */
  readonly columns: Map<string, ColumnSketch>
}

export const LATENCY = 'latency'

/** Inputs, outputs and what is measured may have the same names. */
export function columnName(kind: 'input' | 'output', name: string): string {
  return `${kind}/${name}`
}

type Revision = NewBatch['answers'][number]['revision']

/** Hours that rows are added to. */
export interface HourCounter {
  readonly hours: Map<string, Hour>
  rows: number
  readonly places: ReturnType<typeof placeFinder>
}

export function hourCounter(): HourCounter {
  return { hours: new Map(), rows: 0, places: placeFinder() }
}

export function addBatch(counter: HourCounter, batch: NewBatch): void {
  const [live] = batch.answers
  if (live === undefined) return
  for (const [row, { eventMs, inputs }] of batch.rows.entries()) {
    const outputs = live.outputs.map((output) => output[row] ?? null)
    addRow(counter, { ...batch, ...live, eventMs, inputs, outputs })
  }
}

/** A row of which only names and values are known. */
export function addNamed(
  counter: HourCounter,
  row: Pick<SegmentRow, 'modelVersion' | 'eventMs' | 'latencyMs' | 'inputs' | 'outputs'> & {
    readonly revision: number
  },
): void {
  const { revision: number, modelVersion, eventMs, latencyMs } = row
  const outputs = Object.keys(row.outputs).map((name) => ({ name, type: 'float64' as const }))
  addRow(counter, {
    columns: Object.keys(row.inputs),
    revision: { number, role: 'live', modelVersion, outputs },
    eventMs,
    latencyMs,
    inputs: Object.values(row.inputs),
    outputs: Object.values(row.outputs),
  })
}

interface Row {
  readonly columns: readonly string[]
  readonly revision: Revision
  readonly eventMs: number
  readonly latencyMs: number
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
}

function addRow(counter: HourCounter, row: Row): void {
  const { revision, outputs } = row
  const hour = hourOf(counter, row.eventMs, revision)
  const to = counter.places(hour, row.columns, revision)
  for (const [index, sketch] of to.inputs.entries()) addValue(sketch, row.inputs[index] ?? null)
  for (const [index, sketch] of to.outputs.entries()) {
    const value = outputs[index] ?? null
    addValue(sketch, value)
    if (Array.isArray(value))
      addElements(hour, revision.outputs[index]?.name ?? '', value as readonly Value[])
  }
  addValue(to.latency, row.latencyMs)
  count(counter, hour, 1)
}

/** A batch of numbers, whose rows mostly lie in one hour: column by column. */
export function addNumeric(counter: HourCounter, batch: NumericBatch): void {
  const { columns, revision, inputs, outputs, rows } = batch
  const stride = columns.length + 1
  for (let first = 0; first < rows;) {
    const hour = hourOf(counter, inputs[first * stride] as number, revision)
    const end = endOfHour(batch, first, hour.hour)
    const to = counter.places(hour, columns, revision)
    const some = inputs.subarray(first * stride, end * stride)
    for (const [index, sketch] of to.inputs.entries())
      addNumbers(sketch, some, { from: index + 1, stride })
    for (const [index, sketch] of to.outputs.entries())
      addNumbers(sketch, outputs.subarray(index * rows + first, index * rows + end))
    for (let row = first; row < end; row++) addValue(to.latency, batch.latencyMs)
    count(counter, hour, end - first)
    first = end
  }
}

function endOfHour({ inputs, columns, rows }: NumericBatch, first: number, hour: number): number {
  const stride = columns.length + 1
  let end = first + 1
  while (end < rows && Math.floor((inputs[end * stride] as number) / HOUR_MS) === hour) end++
  return end
}

function count(counter: HourCounter, hour: Hour, rows: number): void {
  counter.rows += rows
  hour.rows += rows
}

function hourOf({ hours }: HourCounter, eventMs: number, revision: Revision): Hour {
  const { number, modelVersion } = revision
  const hour = Math.floor(eventMs / HOUR_MS)
  const name = `${hour}/${number}/${modelVersion}`
  const known = hours.get(name)
  if (known !== undefined) return known
  const added: Hour = { hour, revision: number, modelVersion, rows: 0, columns: new Map() }
  hours.set(name, added)
  return added
}

interface Places {
  readonly inputs: readonly ColumnSketch[]
  readonly outputs: readonly ColumnSketch[]
  readonly latency: ColumnSketch
}

/** Finds the sketches of a layout in an hour; nearly every batch has those of the one before. */
function placeFinder() {
  const known = new WeakMap<
    Hour,
    { columns: readonly string[]; revision: Revision; places: Places }
  >()
  return (hour: Hour, columns: readonly string[], revision: Revision): Places => {
    const last = known.get(hour)
    if (last !== undefined && last.columns === columns && last.revision === revision)
      return last.places
    const places = {
      inputs: columns.map((name) => sketchIn(hour, columnName('input', name))),
      outputs: revision.outputs.map(({ name }) => sketchIn(hour, columnName('output', name))),
      latency: sketchIn(hour, LATENCY),
    }
    known.set(hour, { columns, revision, places })
    return places
  }
}

function sketchIn({ columns }: Hour, name: string): ColumnSketch {
  const known = columns.get(name) ?? emptySketch()
  columns.set(name, known)
  return known
}

function addElements(hour: Hour, output: string, values: readonly Value[]): void {
  if (values.length > PROFILED_ELEMENTS_MAX) return
  for (const [index, value] of values.entries())
    if (!Array.isArray(value))
      addValue(sketchIn(hour, columnName('output', `${output}[${index}]`)), value)
}

/** Adds to one hour what another has of the same. */
export function mergeHour(into: Hour, other: Hour): void {
  into.rows += other.rows
  for (const [name, sketch] of other.columns) mergeInto(sketchIn(into, name), sketch)
}
