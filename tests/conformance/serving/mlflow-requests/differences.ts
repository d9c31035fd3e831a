/** Where we answer otherwise than MLflow, on purpose. */
export interface Difference {
  /** Of `model path type body`. */
  readonly request: RegExp
  readonly why: string
  /** Status, and the error code or something of the answer. */
  readonly ours: readonly [number, string]
}

const REFUSED = [400, 'BAD_REQUEST'] as const
const record = (column: string, value: string) =>
  new RegExp(`^echo .*"dataframe_records":\\[\\{.*"${column}":${value}[,}]`)
const NUMBER = String.raw`-?[\d.e]+`

export const DIFFERENCES: readonly Difference[] = [
  {
    request: record('text', `(?:null|NaN|true|${NUMBER}|\\[1\\])`),
    why: 'MLflow hands over what Python prints of it: None, nan, True, 30.0, [1]',
    ours: REFUSED,
  },
  {
    request: /"dataframe_records":\[.*\},\{"whole":7/,
    why: 'the same, for a text that one record lacks',
    ours: REFUSED,
  },
  {
    request: record('text', String.raw`\{"a":1\}`),
    why: 'a dictionary in a column of texts is its JSON; MLflow hands over what Python prints',
    ours: [200, '{"a":1}'],
  },
  {
    request: record('(?:whole|small)', String.raw`-2\.5`),
    why: 'MLflow cuts fractions off without a word',
    ours: REFUSED,
  },
  {
    request: record('small', '(?:9007199254740993|4000000000)'),
    why: 'MLflow keeps the lower 32 bits, another number',
    ours: REFUSED,
  },
  {
    request: record(
      'flag',
      String.raw`(?:null|NaN|30|-2\.5|30\.0|1e3|9007199254740993|4000000000|1e999|".*"|\{"a":1\})`,
    ),
    why: 'MLflow takes all of them for true, "false" too, and null for false',
    ours: REFUSED,
  },
  {
    request: record('(?:whole|small|single|double)', String.raw`\[1\]`),
    why: 'a list of one is its value, as tensors of the shape [n,1] write it',
    ours: [200, 'a'],
  },
  {
    request: /^echo .*(?:"data":\[\]\}\}|,flag\n$)/,
    why: 'nothing is asked, so nothing is predicted or logged',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: /^echo .*\{"(?:dataframe_split":\{"data":|instances":\[)\[(?:\[)?"a",7/,
    why: 'values without names go by the order of the signature',
    ours: [200, 'a'],
  },
  {
    request: /^echo \S+ APPLICATION\/JSON/,
    why: 'a media type is the same in capitals',
    ours: [200, 'a'],
  },
  { request: /^echo invocations untyped/, why: 'MLflow fails with 500', ours: [415, 'text'] },
  {
    request: /^echo \S+ text\/csv .*\nNA,/s,
    why: 'NA is a carrier, a country and a name; pandas makes nan of it',
    ours: [200, 'NA'],
  },
  {
    request: /^linear \S+ application\/vnd.apache.parquet \{"a"/,
    why: 'a whole number goes into a column of doubles, as from JSON and CSV',
    ours: [200, 'float 306'],
  },
  {
    request:
      /^linear .*"(?:inputs|instances|data)":\s?\[\[(?:1,2,3,4(?=\])|"1"|0\.1|true|1e39)[^[]*(?:\],\[1,2,3,4)?\]\]/,
    why: 'values without names go by the order of the signature',
    ours: [200, 'variable'],
  },
  {
    request: /^unsigned .*(?:text\/csv|inputs":\[\[1|instances)/,
    why: 'the model itself says what it takes: 32-bit floats; MLflow leaves them whole or 64 bits wide',
    ours: [200, 'variable'],
  },
  {
    request: /^(?:unnamed|tensor) .*"(?:instances|inputs)":(?:\[)?\{"a"/,
    why: 'the columns are the ones that are asked for, in their order, as in the other forms',
    ours: [200, 'float 378.75'],
  },
  {
    request: /^tensor .*"X"/,
    why: 'another code for the same refusal',
    ours: [400, 'INVALID_PARAMETER_VALUE'],
  },
  {
    request: /^python .*"text":null\}/,
    why: 'a gap is the same alone and among texts; pandas 3 makes None of the one, NaN of the other',
    ours: [200, '"text":"NaN"'],
  },
  {
    request: /^python .*"text":5\}/,
    why: 'a number is no text, and how it would be written is not for us to choose',
    ours: REFUSED,
  },
  {
    request: /^python .*"(?:instances|inputs)":/,
    why: 'a table is the same in every form: bytes are base64, times are texts; MLflow reads neither here, nor a column that holds more than single values',
    ours: [200, '"whole":"1"'],
  },
  {
    request: /^echo nothing/,
    why: 'every refusal has an error code',
    ours: [404, 'ENDPOINT_NOT_FOUND'],
  },
]
