import { isUtf8 } from 'node:buffer'
import {
  parseExactJson,
  parsePythonNumbers,
  printExactJson,
  type ExactJson,
} from '#base/exact-json'
import { messageOf } from '#base/problem'
import type { PredictionRequest, Value } from '#inference'
import { BadRequest, Misfit } from './errors.ts'

/** What a body asks, and the form in which its answer is told. */
export interface Scoring {
  readonly input: PredictionRequest['input']
  readonly params?: NonNullable<PredictionRequest['params']>
  /**
   * How a model without a signature is answered: `records`, a list of rows, as for a DataFrame; `arrays`, a list
   * for each output. `bare`: without the key `predictions` around it.
   */
  readonly answer: 'records' | 'arrays' | 'bare'
}

const FORMS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

/** A body with one of these is for a model of language: its keys are the columns of the one row. */
const LANGUAGE_KEYS = ['messages', 'prompt', 'input'] as const

const ONE_FORM = `the input must be a JSON dictionary with exactly one of the input fields ${FORMS.join(', ')}`

/** Lists in lists beyond this depth are no model's input, and would exhaust whoever walks them. */
const DEPTH_MAX = 32

/** Cells of records beyond what was sent: each record may have keys of its own, which multiply. */
const EMPTY_CELLS_MAX = 1_000_000

type Dictionary = Readonly<Record<string, ExactJson>>
type List = readonly ExactJson[]

/** Reads a body of JSON in one of MLflow's forms, or Azure's. Throws `BadRequest`. */
export function jsonScoring(bytes: Buffer): Scoring {
  const body = dictionaryIn(bytes, parseExactJson)
  const params = body['params'] ?? null
  if (params !== null && !isDictionary(params))
    throw new Misfit(`params must be a dictionary; received ${kindOf(params)}`)
  const isOfLanguage = LANGUAGE_KEYS.some((key) => Object.hasOwn(body, key))
  // Read once more only where there are any: parameters are not data, and Python tells 1 from 1.0.
  const inPython = params === null && !isOfLanguage ? {} : dictionaryIn(bytes, parsePythonNumbers)
  if (isOfLanguage) return languageScoring(body, inPython)
  const more = params === null ? {} : { params: inPython['params'] as Dictionary }
  if (Object.hasOwn(body, 'input_data')) return { ...azureScoring(body['input_data']), ...more }
  const given = FORMS.filter((form) => Object.hasOwn(body, form))
  const [form] = given
  if (form === undefined || given.length > 1)
    throw new BadRequest(
      `${ONE_FORM}; received ${Object.keys(body).slice(0, 20).join(', ') || 'none'}`,
    )
  return { ...scoringAs(form, body[form] as ExactJson), ...more }
}

function dictionaryIn(bytes: Buffer, parse: (text: string) => ExactJson): Dictionary {
  if (!isUtf8(bytes)) throw new BadRequest('the input is not valid JSON: it is not UTF-8')
  let body: ExactJson
  try {
    // Python's json reads over a mark of the byte order.
    body = parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new BadRequest(`the input is not valid JSON: ${messageOf(error)}`)
  }
  if (!isDictionary(body)) throw new BadRequest(`${ONE_FORM}; received ${kindOf(body)}`)
  return body
}

function scoringAs(form: (typeof FORMS)[number], content: ExactJson): Scoring {
  if (form === 'dataframe_split') return { input: splitRows(form, content), answer: 'records' }
  if (form === 'dataframe_records') return { input: recordRows(form, content), answer: 'records' }
  return isDictionary(content) ? columnRows(content) : listScoring(form, content)
}

/** Azure's `input_data` is a table with its columns, or a list of rows. */
function azureScoring(content: ExactJson | undefined): Scoring {
  const form = 'input_data'
  if (isDictionary(content)) return { input: splitRows(form, content), answer: 'records' }
  return listScoring(form, content ?? null)
}

/** Each key is a column of one row; what the model declares as its parameters it finds there as well. */
function languageScoring(body: Dictionary, params: Dictionary): Scoring {
  const columns = Object.keys(body)
  const row = Object.values(body).map((each) => valueOf(each))
  return { input: { form: 'rows', columns, rows: [row] }, params, answer: 'bare' }
}

function splitRows(form: string, content: ExactJson): PredictionRequest['input'] {
  if (!isDictionary(content) || !isList(content['data']))
    throw new BadRequest(`${form} must be a dictionary with data, a list of lists`)
  const odd = Object.keys(content).find((key) => !['columns', 'index', 'data'].includes(key))
  if (odd !== undefined)
    throw new BadRequest(`${form} has columns, index and data, but not ${odd.slice(0, 100)}`)
  const rows = content['data'].map((row) => rowOf(row))
  checkIndex(form, content['index'] ?? null, rows.length)
  const columns = content['columns'] ?? null
  const width = columns === null ? (rows[0]?.length ?? 0) : lengthOf(columns)
  const uneven = rows.findIndex((row) => row.length !== width)
  if (uneven >= 0)
    throw new BadRequest(
      `${width} columns passed, but row ${uneven} of the data has ${rows[uneven]?.length}`,
    )
  if (columns === null) return { form: 'unnamed', rows, cast: true }
  return { form: 'rows', columns: (columns as List).map(nameOf), rows, cast: true }
}

function checkIndex(form: string, index: ExactJson, rows: number): void {
  if (index === null) return
  if (!isList(index) || index.length !== rows)
    throw new BadRequest(`${form}.index must be a list with one entry for each of ${rows} rows`)
}

function lengthOf(columns: ExactJson): number {
  if (!isList(columns)) throw new BadRequest('columns must be a list of names')
  return columns.length
}

function nameOf(name: ExactJson): string {
  return typeof name === 'string' ? name : printExactJson(name)
}

/** The row as it is, if it has scalars only: most have. */
function rowOf(row: ExactJson): readonly Value[] {
  if (!isList(row)) return [valueOf(row)]
  for (const value of row)
    if (typeof value === 'object' && value !== null) return row.map((each) => valueOf(each))
  return row as readonly Value[]
}

function recordRows(form: string, content: ExactJson): PredictionRequest['input'] {
  if (!isList(content))
    throw new BadRequest(`${form} must be a list of dictionaries, one for each row`)
  if (!content.every(isDictionary))
    throw new Misfit(`${form} must have a dictionary for each row and nothing else`)
  const names = new Set<string>()
  let cells = 0
  for (const record of content)
    for (const name of Object.keys(record)) {
      names.add(name)
      cells += 1
    }
  if (names.size * content.length - cells > EMPTY_CELLS_MAX)
    throw new BadRequest(
      `${form} has ${content.length} records with ${names.size} different keys; send records with the same keys`,
    )
  const columns = [...names]
  const rows = content.map((record) =>
    columns.map((column) => {
      const value = Object.hasOwn(record, column) ? record[column] : null
      return typeof value === 'object' && value !== null ? valueOf(value) : (value ?? null)
    }),
  )
  return { form: 'rows', columns, rows, cast: true }
}

function listScoring(form: string, content: ExactJson): Scoring {
  if (!isList(content)) throw new Misfit(`${form} must be a list or a dictionary of lists`)
  if (content.length > 0 && content.every(isDictionary))
    return {
      input: recordRows(form, content),
      answer: form === 'instances' ? 'arrays' : 'records',
    }
  const rows = content.map((row) =>
    typeof row === 'object' && row !== null ? (isList(row) ? rowOf(row) : valueOf(row)) : row,
  )
  return { input: { form: 'unnamed', rows, cast: true }, answer: 'arrays' }
}

function columnRows(content: Dictionary): Scoring {
  const columns = Object.keys(content)
  const lists = Object.values(content)
  if (columns.length === 0) throw new Misfit('the input names no columns')
  // One value for each column is one row.
  const values = lists.some(isList) ? lists : lists.map((value) => [value])
  const odd = values.findIndex((list) => !isList(list))
  if (odd >= 0)
    throw new Misfit(
      `the input must be a dictionary of lists, one for each column; ${columns[odd]} has ${kindOf(values[odd] ?? null)}`,
    )
  const count = (values[0] as List).length
  const uneven = (values as List[]).findIndex((list) => list.length !== count)
  if (uneven >= 0)
    throw new Misfit(
      `column ${columns[uneven]} has ${(values[uneven] as List).length} values and ${columns[0]} has ${count}; all must have the same`,
    )
  const rows = Array.from({ length: count }, (_, row) =>
    (values as List[]).map((list) => valueOf(list[row] ?? null)),
  )
  return { input: { form: 'rows', columns, rows, cast: true }, answer: 'arrays' }
}

/** A value of a row; a dictionary is carried as its JSON. */
export function valueOf(value: ExactJson, depth = 0): Value {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX)
    throw new BadRequest(`a value is nested more than ${DEPTH_MAX} levels deep`)
  if (isList(value)) return value.map((each) => valueOf(each, depth + 1))
  // Only to see how deep it is.
  for (const each of Object.values(value)) valueOf(each, depth + 1)
  return printExactJson(value)
}

function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is List {
  return Array.isArray(value)
}

function kindOf(value: ExactJson): string {
  return isList(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`
}
