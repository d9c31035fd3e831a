import { parse } from 'csv-parse/sync'
import { parseExactJson, printExactJson, type ExactJson } from '#base/exact-json'
import { messageOf } from '#base/problem'
import { rowsOf, type PredictionRequest, type Tensor, type Value } from '#inference'
import { BadRequest, UnsupportedType } from './errors.ts'

/** A request, and the form in which its answer is told. */
export interface Scoring {
  readonly input: PredictionRequest['input']
  /** `records`: a list of rows, as for a DataFrame. `columns`: a list for each output, as for arrays. */
  readonly answer: 'records' | 'columns'
}

const FORMS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

const ONE_FORM = `the input must be a JSON dictionary with exactly one of the fields ${FORMS.join(', ')}`

/** Reads the body of a scoring request by its Content-Type. */
export function scoringIn(contentType: string | undefined, body: string): Scoring {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim())
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter))
  if (charset !== undefined && !/^charset="?utf-?8"?$/i.test(charset))
    throw new UnsupportedType(`The scoring server reads UTF-8 only, not ${charset}`)
  switch (type.toLowerCase()) {
    case 'application/json':
      return jsonScoring(body)
    case 'text/csv':
      return { input: { form: 'texts', ...csvRows(body) }, answer: 'records' }
    default:
      throw new UnsupportedType(
        `This predictor only supports the content types application/json and text/csv. Got '${type}'.`,
      )
  }
}

type Dictionary = Readonly<Record<string, ExactJson>>

function jsonScoring(text: string): Scoring {
  let body: ExactJson
  try {
    body = parseExactJson(text)
  } catch (error) {
    throw new BadRequest(`the input is not valid JSON: ${messageOf(error)}`)
  }
  if (!isDictionary(body)) throw new BadRequest(`${ONE_FORM}; received ${kindOf(body)}`)
  if ('signature_name' in body)
    throw new BadRequest('signature_name is not supported; leave it out')
  const given = Object.keys(body).filter((key) => key !== 'params')
  const form = FORMS.find((each) => each in body)
  if (given.length !== 1 || form === undefined)
    throw new BadRequest(`${ONE_FORM}; received ${given.join(', ') || 'none'}`)
  const content = body[form] as ExactJson
  if (form === 'dataframe_split') return { input: splitRows(content), answer: 'records' }
  if (form === 'dataframe_records') return { input: recordRows(form, content), answer: 'records' }
  return form === 'inputs' && isDictionary(content)
    ? columnRows(content)
    : instanceRows(form, content)
}

function splitRows(content: ExactJson): PredictionRequest['input'] {
  if (!isDictionary(content) || !isTable(content['data']))
    throw new BadRequest('dataframe_split must be a dictionary with data, a list of lists')
  const odd = Object.keys(content).find((key) => !['columns', 'index', 'data'].includes(key))
  if (odd !== undefined)
    throw new BadRequest(`dataframe_split has columns, index and data, but not ${odd}`)
  const rows = content['data']
  const columns = content['columns']
  if (columns === undefined) return { form: 'unnamed', rows }
  if (!Array.isArray(columns))
    throw new BadRequest('dataframe_split.columns must be a list of names')
  const uneven = rows.findIndex((row) => row.length !== columns.length)
  if (uneven >= 0)
    throw new BadRequest(
      `${columns.length} columns passed, but row ${uneven} of the data has ${rows[uneven]?.length}`,
    )
  return { form: 'rows', columns: columns.map(String), rows }
}

function recordRows(form: string, content: ExactJson): PredictionRequest['input'] {
  if (!isList(content) || !content.every(isDictionary))
    throw new BadRequest(`${form} must be a list of dictionaries, one for each row`)
  const columns = [...new Set(content.flatMap((record) => Object.keys(record)))]
  const rows = content.map((record) =>
    columns.map((column) =>
      valueOf((Object.hasOwn(record, column) ? record[column] : null) ?? null),
    ),
  )
  return { form: 'rows', columns, rows }
}

function instanceRows(form: string, content: ExactJson): Scoring {
  if (!isList(content)) throw new BadRequest(`${form} must be a list or a dictionary of lists`)
  if (content.length > 0 && content.every(isDictionary))
    return { input: recordRows(form, content), answer: 'records' }
  return { input: { form: 'unnamed', rows: content.map(valueOf) }, answer: 'columns' }
}

function columnRows(content: Dictionary): Scoring {
  const columns = Object.keys(content)
  const lists = Object.values(content)
  const [first] = lists
  if (first === undefined || !lists.every(isList))
    throw new BadRequest('inputs must be a dictionary of lists, one for each column, or a list')
  const values = lists as readonly (readonly ExactJson[])[]
  const count = values[0]?.length ?? 0
  const uneven = values.findIndex((list) => list.length !== count)
  if (uneven >= 0)
    throw new BadRequest(
      `column ${columns[uneven]} has ${values[uneven]?.length} values and ${columns[0]} has ${count}; all must have the same`,
    )
  const rows = Array.from({ length: count }, (_, row) =>
    values.map((list) => valueOf(list[row] ?? null)),
  )
  const nested = rows.some((row) => row.some((value) => Array.isArray(value)))
  return { input: { form: 'rows', columns, rows }, answer: nested ? 'columns' : 'records' }
}

function csvRows(text: string): { columns: string[]; rows: string[][] } {
  try {
    const [columns = [], ...rows] = parse(text, { bom: true, skip_empty_lines: true })
    return { columns, rows }
  } catch (error) {
    throw new BadRequest(`the input is not valid CSV: ${messageOf(error)}`)
  }
}

/** A value of a row; a dictionary in its place is none, which the model's columns will say. */
function valueOf(value: ExactJson): Value {
  if (isList(value)) return value.map(valueOf)
  return isDictionary(value) ? printExactJson(value) : value
}

function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is readonly ExactJson[] {
  return Array.isArray(value)
}

function isTable(value: ExactJson | undefined): value is readonly (readonly Value[])[] {
  return isList(value) && value.every(isList)
}

function kindOf(value: ExactJson): string {
  return isList(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`
}

/** The answer's body. */
export function predictionsText(
  outputs: readonly Tensor[],
  rows: number,
  form: Scoring['answer'],
): string {
  const named = outputs.map((output) => ({ name: output.name, values: rowsOf(output) }))
  const predictions =
    form === 'columns'
      ? Object.fromEntries(named.map(({ name, values }) => [name, values]))
      : Array.from({ length: rows }, (_, row) =>
          Object.fromEntries(named.map(({ name, values }) => [name, values[row]])),
        )
  return printExactJson({ predictions })
}
