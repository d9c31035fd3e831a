import { sha256 } from '#base/digest'
import { pythonJson, type Value } from '#base/python-json'
import { Problem } from '#base/problem'

/** Questions, and what good answers to them are, by which an application of models is judged. */
export interface EvaluationDataset {
  readonly datasetId: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  /** The names and types of what its records hold, as JSON; null before the first record. */
  readonly schema: string | null
  /** How many records it holds, as JSON; null without any. */
  readonly profile: string | null
  /** Changes whenever its records do. */
  readonly digest: string
  readonly experimentIds: readonly string[]
  readonly createdMs: number
  readonly updatedMs: number
  readonly createdBy: string | null
  readonly updatedBy: string | null
}

export type Fields = Readonly<Record<string, Value>>

/** One question of a dataset; of two with the same inputs there is one. */
export interface EvaluationRecord {
  readonly recordId: string
  readonly datasetId: string
  readonly inputHash: string
  readonly inputs: Fields
  readonly outputs: Value
  readonly expectations: Fields | null
  readonly tags: Fields
  readonly source: RecordSource | null
  readonly createdMs: number
  readonly updatedMs: number
  readonly createdBy: string | null
  readonly updatedBy: string | null
}

/** Where a record comes from, for example a trace. */
export interface RecordSource {
  readonly type: (typeof SOURCE_TYPES)[number]
  readonly data: Fields
}

export const SOURCE_TYPES = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'] as const

/** A record as somebody gives it. What is absent of one that is there already stays. */
export interface GivenRecord {
  readonly inputs: Fields
  readonly outputs?: Value | undefined
  readonly expectations?: Fields | undefined
  readonly tags?: Fields | undefined
  readonly source?: RecordSource | undefined
}

/** The tag by which clients say who they are. */
export const USER_TAG = 'mlflow.user'

export function userIn(tags: Fields | undefined): string | null {
  const user = tags?.[USER_TAG]
  return typeof user === 'string' ? user : null
}

export function hashOfInputs(inputs: Fields): string {
  return sha256(pythonJson(sorted(inputs)))
}

export function digestOf(name: string, updatedMs: number): string {
  return sha256(`${name}:${updatedMs}`).slice(0, 8)
}

export function newRecord(
  given: GivenRecord,
  place: { recordId: string; datasetId: string; inputHash: string; nowMs: number },
): EvaluationRecord {
  const { nowMs, ...ids } = place
  const user = userIn(given.tags)
  return {
    ...ids,
    inputs: given.inputs,
    outputs: given.outputs === undefined ? {} : given.outputs,
    expectations: given.expectations ?? null,
    tags: given.tags ?? {},
    source: given.source ?? null,
    createdMs: nowMs,
    updatedMs: nowMs,
    createdBy: user,
    updatedBy: user,
  }
}

/** A record with what was given to it later: expectations and tags are added, outputs replaced. */
export function mergedRecord(
  kept: EvaluationRecord,
  given: GivenRecord,
  nowMs: number,
): EvaluationRecord {
  return {
    ...kept,
    outputs: given.outputs === undefined ? kept.outputs : given.outputs,
    expectations: isEmpty(given.expectations)
      ? kept.expectations
      : { ...kept.expectations, ...given.expectations },
    tags: { ...kept.tags, ...given.tags },
    updatedMs: nowMs,
    updatedBy: userIn(given.tags) ?? kept.updatedBy,
  }
}

type Types = Record<string, string>
interface Schema {
  inputs: Types
  outputs: Types | string
  expectations: Types
  version: string
}

/** The schema with the fields of more records; the first record that has a field says its type. */
export function schemaWith(schema: string | null, records: readonly GivenRecord[]): string | null {
  if (schema === null && records.length === 0) return null
  const known: Schema =
    schema === null
      ? { inputs: {}, outputs: {}, expectations: {}, version: '1.0' }
      : (JSON.parse(schema) as Schema)
  for (const { inputs, outputs, expectations } of records) {
    learn(known.inputs, inputs)
    if (isFields(outputs)) {
      if (typeof known.outputs !== 'string') learn(known.outputs, outputs)
    } else if (outputs !== undefined && outputs !== null && isEmpty(known.outputs))
      known.outputs = typeName(outputs)
    learn(known.expectations, expectations ?? {})
  }
  return pythonJson(known as unknown as Value)
}

export function profileOf(records: number): string | null {
  return records === 0 ? null : `{"num_records": ${records}}`
}

function learn(types: Types, fields: Fields): void {
  for (const [key, value] of Object.entries(fields))
    if (!Object.hasOwn(types, key))
      Object.defineProperty(types, key, {
        value: typeName(value),
        enumerable: true,
        writable: true,
        configurable: true,
      })
}

function typeName(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return 'float'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

export function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value: object | string | undefined): boolean {
  return value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** The value with the keys of its objects in order, so that equal inputs have one text. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map(sorted)
  if (!isFields(value)) return value
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

export function datasetNotFound(datasetId: string): Problem {
  return new Problem(
    'not-found',
    `Evaluation dataset with id '${datasetId}' not found; look for it with a search`,
  )
}
