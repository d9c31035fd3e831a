import type { NewBatch, NumericBatch, Value } from '#inference'
import { PROFILED_ELEMENTS_MAX } from '#serving'
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

export function hourName({ hour, revision, modelVersion }: Omit<Hour, 'rows' | 'columns'>): string {
  return `${hour}/${revision}/${modelVersion}`
}

/** A row that has been read, whoever kept it. */
interface Row {
  readonly eventMs: number
  readonly inputs: readonly Value[]
}

type Revision = NewBatch['answers'][number]['revision']

/** Adds rows to the hours they belong to. */
export function hourCounter() {
  const hours = new Map<string, Hour>()
  let rows = 0

  const hourOf = (eventMs: number, { number, modelVersion }: Revision): Hour => {
    const hour = Math.floor(eventMs / HOUR_MS)
    const name = hourName({ hour, revision: number, modelVersion })
    const known = hours.get(name)
    if (known !== undefined) return known
    const added: Hour = { hour, revision: number, modelVersion, rows: 0, columns: new Map() }
    hours.set(name, added)
    return added
  }
  const places = placeFinder()
  const count = (
    batch: Pick<NewBatch, 'columns' | 'latencyMs'>,
    revision: Revision,
    row: Row,
    outputs: readonly Value[],
  ) => {
    const hour = hourOf(row.eventMs, revision)
    const { inputs, answers, latency } = places(hour, batch.columns, revision)
    hour.rows++
    rows++
    for (const [index, sketch] of inputs.entries()) addValue(sketch, row.inputs[index] ?? null)
    for (const [index, sketch] of answers.entries()) {
      const value = outputs[index] ?? null
      addValue(sketch, value)
      if (Array.isArray(value))
        addElements(hour, revision.outputs[index]?.name ?? '', value as readonly Value[])
    }
    addValue(latency, batch.latencyMs)
  }

  return {
    hours,
    rows: () => rows,
    add: (batch: NewBatch): void => {
      const [live] = batch.answers
      if (live === undefined) return
      const { revision, outputs } = live
      for (const [index, row] of batch.rows.entries())
        count(
          batch,
          revision,
          row,
          outputs.map((output) => output[index] ?? null),
        )
    },
    /** A batch of numbers, whose rows mostly lie in one hour: column by column. */
    addNumeric: (batch: NumericBatch): void => {
      const { columns, revision, inputs, outputs } = batch
      const stride = columns.length + 1
      for (let first = 0; first < batch.rows;) {
        const hour = hourOf(inputs[first * stride] as number, revision)
        let end = first + 1
        while (
          end < batch.rows &&
          Math.floor((inputs[end * stride] as number) / HOUR_MS) === hour.hour
        )
          end++
        const to = places(hour, columns, revision)
        const some = inputs.subarray(first * stride, end * stride)
        for (const [index, sketch] of to.inputs.entries())
          addNumbers(sketch, some, { from: index + 1, stride })
        for (const [index, sketch] of to.answers.entries())
          addNumbers(sketch, outputs.subarray(index * batch.rows + first, index * batch.rows + end))
        for (let row = first; row < end; row++) addValue(to.latency, batch.latencyMs)
        hour.rows += end - first
        rows += end - first
        first = end
      }
    },
    /** A row of a segment, by names. */
    addNamed: (row: {
      revision: number
      modelVersion: string
      eventMs: number
      latencyMs: number
      inputs: Readonly<Record<string, Value>>
      outputs: Readonly<Record<string, Value>>
    }): void => {
      const outputs = Object.keys(row.outputs).map((name) => ({ name, type: 'float64' as const }))
      const revision: Revision = {
        number: row.revision,
        role: 'live',
        modelVersion: row.modelVersion,
        outputs,
      }
      const columns = Object.keys(row.inputs)
      const batch = { columns, latencyMs: row.latencyMs }
      count(
        batch,
        revision,
        { eventMs: row.eventMs, inputs: Object.values(row.inputs) },
        Object.values(row.outputs),
      )
    },
  }
}

export type HourCounter = ReturnType<typeof hourCounter>

interface Places {
  readonly inputs: readonly ColumnSketch[]
  readonly answers: readonly ColumnSketch[]
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
      answers: revision.outputs.map(({ name }) => sketchIn(hour, columnName('output', name))),
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
