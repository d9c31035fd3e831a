/** One request to the server of one model. */
export interface Asked {
  readonly model: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly type?: string
  readonly body: string
  /** Instead of the body: bytes in base64. */
  readonly bytes?: string
  /** Instead of the body: a table that Python writes as Parquet, column by column. */
  readonly table?: Readonly<Record<string, readonly unknown[]>>
}

const JSON_TYPE = 'application/json'

function post(model: string, body: unknown, type: string | undefined = JSON_TYPE): Asked {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    model,
    method: 'POST',
    path: '/invocations',
    body: text,
    ...(type === '' ? {} : { type }),
  }
}

const row = { text: 'a', whole: 7, small: 3, single: 1.5, double: 2.5, flag: true }
const names = Object.keys(row)

/** As JSON: what a column may be sent, right or wrong. */
const VALUES = [
  'null',
  'NaN',
  'true',
  '0',
  '1',
  '30',
  '-2.5',
  '30.0',
  '1e3',
  '9007199254740993',
  '4000000000',
  '1e999',
  '"30"',
  '" 7 "',
  '"2.5"',
  '"x"',
  '""',
  '[1]',
  '{"a":1}',
]

function withValue(name: string, value: string): string {
  const cells = Object.entries(row).map(
    ([key, each]) => `${JSON.stringify(key)}:${key === name ? value : JSON.stringify(each)}`,
  )
  return `{"dataframe_records":[{${cells.join(',')}}]}`
}

const values = names.flatMap((name) => VALUES.map((value) => post('echo', withValue(name, value))))

const splitOf = (rows: readonly (typeof row)[]) => ({
  columns: names,
  data: rows.map((each) => Object.values(each)),
})
const other = { ...row, text: 'ä "quoted"\n', whole: 2 ** 40, double: -0.1, flag: false }
const csvHead = names.join(',')

const forms = [
  post('echo', { dataframe_split: splitOf([row, other]) }),
  post('echo', { dataframe_split: { ...splitOf([row, other]), index: [7, 9] } }),
  post('echo', { dataframe_split: { ...splitOf([row, other]), index: [7] } }),
  post('echo', { dataframe_split: { ...splitOf([row]), more: 1 } }),
  post('echo', { dataframe_split: { columns: names } }),
  post('echo', { dataframe_split: [[1]] }),
  post('echo', { dataframe_split: { columns: names, data: 3 } }),
  post('echo', { dataframe_split: { columns: 3, data: [[1]] } }),
  post('echo', { dataframe_split: { columns: names, data: [[1]] } }),
  post('echo', { dataframe_split: { columns: names, data: [] } }),
  post('echo', { dataframe_split: { data: [Object.values(row)] } }),
  post('echo', {
    dataframe_split: { columns: [...names, 'text'], data: [[...Object.values(row), 'b']] },
  }),
  post('echo', { dataframe_records: [row, other] }),
  post('echo', { dataframe_records: [{ ...row, more: [1, { deep: true }] }] }),
  post('echo', { dataframe_records: [row, { ...row, double: undefined }] }),
  post('echo', { dataframe_records: [row, { ...row, text: undefined }] }),
  post('echo', { dataframe_records: [{ ...row, flag: undefined }] }),
  post('echo', { dataframe_records: row }),
  post('echo', { dataframe_records: [] }),
  post('echo', { dataframe_records: [1, 2] }),
  post('echo', { dataframe_records: 'x' }),
  post('echo', { instances: [row, other] }),
  post('echo', { instances: [Object.values(row)] }),
  post('echo', { instances: row }),
  post('echo', { instances: 3 }),
  post('echo', {
    inputs: Object.fromEntries(names.map((name) => [name, [row[name as keyof typeof row]]])),
  }),
  post('echo', { inputs: [row, other] }),
  post('echo', { inputs: { ...row } }),
  post('echo', { inputs: { text: ['a', 'b'], whole: [1] } }),
  post('echo', { inputs: {} }),
  post('echo', { inputs: 3 }),
  post('echo', { inputs: null }),
  post('echo', { dataframe_records: [row], params: { rate: 1 } }),
  post('echo', { dataframe_records: [row], params: null }),
  post('echo', { dataframe_records: [row], extra: 1 }),
  post('echo', { dataframe_records: [row], signature_name: 'x' }),
  post('echo', { instances: [row], signature_name: 'x' }),
  post('echo', { dataframe_records: [row], instances: [row] }),
  post('echo', { columns: names, data: [] }),
  post('echo', {}),
  post('echo', []),
  post('echo', [row]),
  post('echo', '3'),
  post('echo', '"text"'),
  post('echo', 'null'),
  post('echo', 'true'),
  post('echo', ''),
  post('echo', '{"dataframe_records": ['),
  post('echo', '{"dataframe_records": [{}], "dataframe_records": []}'),
  post('echo', `\uFEFF${JSON.stringify({ dataframe_records: [row] })}`),
  post('echo', { messages: [{ role: 'user', content: 'hi' }] }),
  post('echo', { prompt: 'hi' }),
  { ...post('echo', ''), bytes: 'eyJhIjoi/yJ9' },
]

const types = [
  post('echo', { dataframe_records: [row] }, 'application/json; charset=utf-8'),
  post('echo', { dataframe_records: [row] }, 'application/json;charset=UTF-8'),
  post('echo', { dataframe_records: [row] }, 'application/json; charset=latin-1'),
  post('echo', { dataframe_records: [row] }, 'application/json; format=pandas-split'),
  post('echo', { dataframe_records: [row] }, 'APPLICATION/JSON'),
  post('echo', { dataframe_records: [row] }, 'text/plain'),
  post('echo', { dataframe_records: [row] }, 'application/octet-stream'),
  post('echo', { dataframe_records: [row] }, ''),
  post('echo', `${csvHead}\na,7,3,1.5,2.5,True\nb,8,4,,2e3,False\n`, 'text/csv'),
  post('echo', `${csvHead}\na,7,3,1.5,2.5,true\n`, 'text/csv; charset=utf-8'),
  post('echo', `more,${csvHead}\n1,a,7,3,1.5,2.5,True\n`, 'text/csv'),
  post('echo', `${csvHead}\n"a, b",7,3,nan,inf,True\n`, 'text/csv'),
  post('echo', `${csvHead}\na,x,3,1.5,2.5,True\n`, 'text/csv'),
  post('echo', `${csvHead}\na,7.5,3,1.5,2.5,True\n`, 'text/csv'),
  post('echo', `${csvHead}\na,,3,1.5,2.5,True\n`, 'text/csv'),
  post('echo', `${csvHead}\nNA,7,3,1.5,2.5,True\n`, 'text/csv'),
  post('echo', `${csvHead}\n`, 'text/csv'),
  post('echo', '', 'text/csv'),
  post('echo', 'text,whole\na,7\n', 'text/csv'),
  post('linear', 'a,b,c,d\n1,2,3,4\n5,6,7,\n', 'text/csv'),
  post('unsigned', 'a,b,c,d\n1,2,3,4\n', 'text/csv'),
  { ...post('echo', '', 'text/csv'), bytes: 'YSxi/w==' },
  {
    ...post('linear', '', 'application/vnd.apache.parquet'),
    table: { a: [1, 2], b: [0.5, 1], c: [3, 4], d: [0, 1] },
  },
  {
    ...post('echo', '', 'application/vnd.apache.parquet'),
    table: {
      text: ['a', 'b'],
      whole: [1, 2],
      small: [3, 4],
      double: [0.5, 1],
      flag: [true, false],
    },
  },
  post('linear', 'PAR1 is none', 'application/vnd.apache.parquet'),
]

const four = [1, 2, 3, 4]
const numbers = [
  ...['linear', 'unnamed', 'tensor'].flatMap((model) => [
    post(model, { inputs: [four] }),
    post(model, { instances: [four, four] }),
    post(model, { inputs: [['1', '2', '3', '4']] }),
    post(model, { inputs: [[0.1, null, 3, 4]] }),
    post(model, { inputs: [[1, 2, 3]] }),
    post(model, { inputs: [[1, 2, 3, 4, 5]] }),
    post(model, { inputs: [four, [1]] }),
    post(model, { inputs: [['x', 2, 3, 4]] }),
    post(model, { inputs: [[true, false, true, false]] }),
    post(model, { inputs: [] }),
    post(model, { inputs: [[]] }),
    post(model, { inputs: [[four]] }),
    post(model, { inputs: four }),
    post(model, '{"inputs": [[1e39, Infinity, -Infinity, NaN]]}'),
    post(model, { dataframe_split: { data: [four] } }),
    post(model, { dataframe_split: { columns: ['a', 'b', 'c', 'd'], data: [four, [0, 1, 0, 1]] } }),
    post(model, { dataframe_split: { columns: ['d', 'c', 'b', 'a'], data: [four] } }),
    post(model, { dataframe_split: { columns: ['a', 'b', 'c'], data: [[1, 2, 3]] } }),
    post(model, { dataframe_split: { columns: ['a', 'b', 'c', 'd', 'e'], data: [[...four, 5]] } }),
    post(model, { dataframe_records: [{ a: 1.5, b: 2.5, c: 3.5, d: 4.5 }] }),
    post(model, { instances: [{ a: 1.5, b: 2.5, c: 3.5, d: 4.5 }] }),
    post(model, { inputs: { a: [1.5], b: [2.5], c: [3.5], d: [4.5] } }),
  ]),
  post('tensor', { inputs: { X: [four] } }),
  post('unsigned', { inputs: [four] }),
  post('unsigned', { dataframe_records: [{ a: 1.5, b: 2.5, c: 3.5, d: 4.5 }] }),
  post('unsigned', { instances: [{ a: 1.5, b: 2.5, c: 3.5, d: 4.5 }] }),
  post('unsigned', { inputs: [['x', 2, 3, 4]] }),
  post('tensor', { inputs: [[1.5, 2.5, 3.5, 4.5]] }),
]

const python = [
  { whole: 1 },
  { whole: 1, double: 2.5, text: 'x' },
  { whole: 1, double: null, text: null },
  { whole: null },
  { whole: '12', double: '1.5' },
  { whole: 1, text: 5 },
  { whole: 1, bytes: 'aGVsbG8=' },
  { whole: 1, time: '2020-01-02T03:04:05' },
  { whole: 1, time: '2020-01-02' },
  { whole: 1, time: 'soon' },
  { whole: 1, list: [1.5, 2] },
  { whole: 1, list: ['a'] },
  { whole: 1, list: 3 },
  { whole: 1, list: [] },
  { whole: 1, object: { x: 'a', y: 2 } },
  { whole: 1, object: { x: 'a' } },
  { whole: 1, object: { y: 2 } },
  { whole: 1, object: { x: 'a', z: 1 } },
  { whole: 1, object: { x: 3 } },
  { whole: 1, map: { a: 1, b: 2 } },
  { whole: 1, map: { a: 'x' } },
  { whole: 1, map: [1] },
  { whole: 1, any: { deep: [1, 'x', null] } },
  { whole: 1, any: 'text' },
  { whole: 1, any: [1, 2] },
].map((record) => post('python', { dataframe_records: [record] }))

const inForms = [
  post('python', { instances: [{ whole: 1, bytes: 'aGVsbG8=' }] }),
  post('python', { inputs: { whole: [1], bytes: ['aGVsbG8='] } }),
  post('python', { inputs: { whole: [1], time: ['2020-01-02T03:04:05'] } }),
  post('python', { instances: [{ whole: 1, object: { x: 'a' } }] }),
  post('python', { inputs: { whole: [1], list: [[1.5, 2]] } }),
]

const params = [
  {},
  { rate: 1 },
  { rate: 0.25, count: 4, word: 'b', sure: true, ids: [5] },
  { rate: 'x' },
  { count: 1.5 },
  { word: 3 },
  { sure: 1 },
  { ids: 3 },
  { ids: ['x'] },
  { other: 1 },
  { rate: null },
  [1],
].map((sent) => post('python', { dataframe_records: [{ whole: 1 }], params: sent }))

/** Python tells 1 from 1.0, and has numbers that JSON has not. */
const paramsInPython = [
  '{"rate": NaN}',
  '{"rate": -Infinity}',
  '{"rate": 1.0}',
  '{"count": 1.0}',
  '{"count": 1e3}',
  '{"count": NaN}',
  '{"count": 9223372036854775807}',
  '{"ids": [1, 2.0]}',
  '{"ids": [2]}',
  '{"ids": null}',
].map((sent) => post('python', `{"dataframe_records": [{"whole": 1}], "params": ${sent}}`))

const shapes = [
  'array',
  'vector',
  'column',
  'frame',
  'series',
  'dict',
  'list',
  'gaps',
  'bytes',
  'times',
  'words',
  'nested',
  'absent',
].map((form) => post('shapes', { dataframe_records: [{ form }, { form }, { form }] }))

const plain: readonly Asked[] = (['/ping', '/health', '/version', '/nothing'] as const).map(
  (path) => ({ model: 'echo', method: 'GET', path, body: '' }),
)

/** Which of a flavor's models are asked what. */
export const STORIES: Readonly<Record<string, readonly Asked[]>> = {
  onnx: [...forms, ...types, ...values, ...numbers, ...plain],
  python: [...python, ...params, ...paramsInPython, ...shapes, ...inForms],
}
