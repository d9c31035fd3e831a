import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { exampleIn } from './input-example.ts'
import { describeMlModel, modelIn } from './mlmodel.ts'

const MLMODEL = `
flavors:
  onnx:
    data: model.onnx
    onnx_version: 1.23.2
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}, {"type": "long", "name":
    "b", "required": false}, {"type": "datetime", "name": "t"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
`

function describe(files: Record<string, string>) {
  return describeMlModel(
    Object.keys(files).map((path) => ({ path, digest: '', sizeBytes: 0 })),
    async (path) => Readable.from([Buffer.from(files[path] ?? '')]),
  )
}

test('a model says its flavors, where its ONNX file is, and what it takes and gives', () => {
  expect(modelIn(MLMODEL).description).toEqual({
    flavors: ['onnx', 'python_function'],
    onnx: { path: 'model.onnx' },
    signature: {
      inputs: [
        { name: 'a', type: 'double', required: true },
        { name: 'b', type: 'long', required: false },
        { name: 't', type: 'datetime', required: true },
      ],
      outputs: [{ name: '0', type: 'tensor', dtype: 'int64', shape: [-1], required: true }],
    },
    inputExample: null,
    problems: [],
  })
})

test('columns without names, nested ones and parameters are read as MLflow declares them', () => {
  const inputs = [
    { type: 'array', items: { type: 'double' }, required: true },
    {
      type: 'object',
      properties: { x: { type: 'string', required: true }, y: { type: 'any', required: false } },
    },
    { type: 'map', values: { type: 'long' }, name: 'm', required: false },
  ]
  const params = [
    { name: 't', default: 0.5, shape: null, type: 'double' },
    { name: 'ids', default: [1, 2], shape: [-1], type: 'long' },
    { name: 'none', default: '@NaN', shape: null, type: 'double' },
    { name: 'odd', default: 1, type: 'quaternion' },
  ]
  const text = `signature:\n  inputs: '${JSON.stringify(inputs)}'\n  params: '${JSON.stringify(params).replace('"@NaN"', 'NaN')}'`
  const { signature, problems } = modelIn(text).description
  const array = { type: 'array', items: { type: 'double' } }
  const object = {
    type: 'object',
    properties: [
      { name: 'x', required: true, of: { type: 'string' } },
      { name: 'y', required: false, of: { type: 'any' } },
    ],
  }
  expect(signature).toEqual({
    inputs: [
      { name: '0', type: 'array', required: true, unnamed: true, nested: array },
      { name: '1', type: 'object', required: true, unnamed: true, nested: object },
      {
        name: 'm',
        type: 'map',
        required: false,
        nested: { type: 'map', values: { type: 'long' } },
      },
    ],
    outputs: [],
    params: [
      { name: 't', type: 'double', default: 0.5, shape: null },
      { name: 'ids', type: 'long', default: [1, 2], shape: [-1] },
      { name: 'none', type: 'double', default: null, shape: null },
    ],
  })
  expect(problems).toEqual(['the parameter "odd" has no type that is known here'])
})

test('the example of the input is read, a few rows of it', async () => {
  const data = Array.from({ length: 9 }, (_, index) => [index, null, 'x'])
  const example = { dataframe_split: { columns: ['a', 'b', 't'], data } }
  const described = await describe({
    MLmodel: MLMODEL,
    'serving_input_example.json': JSON.stringify(example),
  })
  expect(described.inputExample).toEqual({ columns: ['a', 'b', 't'], rows: data.slice(0, 5) })
})

test.each([
  [
    '{"inputs": [[1.5, 2], [3, 4]]}',
    {
      columns: null,
      rows: [
        [1.5, 2],
        [3, 4],
      ],
    },
  ],
  ['{"inputs": [1, null, "x"]}', { columns: null, rows: [1, null, 'x'] }],
  [
    '{"inputs": {"a": [[1, 2], [3, 4]], "b": [5, 6]}}',
    {
      columns: ['a', 'b'],
      rows: [
        [[1, 2], 5],
        [[3, 4], 6],
      ],
    },
  ],
])('an example of tensors is read: %s', async (json, expected) => {
  const described = await describe({ MLmodel: MLMODEL, 'serving_input_example.json': json })
  expect(described).toMatchObject({ inputExample: expected, problems: [] })
})

test('of a large example as many rows are kept as have few values, and the whole one can be read', async () => {
  const rows = Array.from({ length: 7 }, () => Array<number>(2000).fill(1))
  const files = { MLmodel: MLMODEL, 'serving_input_example.json': JSON.stringify({ inputs: rows }) }
  expect((await describe(files)).inputExample?.rows).toHaveLength(2)
  expect(exampleIn(files['serving_input_example.json'])?.rows).toHaveLength(7)
  const one = { inputs: [Array<number>(5000).fill(1)] }
  const large = { ...files, 'serving_input_example.json': JSON.stringify(one) }
  expect((await describe(large)).inputExample).toBeNull()
})

test.each([
  ['{"inputs": {"a": [1, 2], "b": [1]}}', 0],
  ['{"dataframe_split": {"columns": ["a"], "data": [[{"deep": 1}]]}}', 0],
  ['{broken', 1],
])('an example of another form is left out: %s', async (json, problems) => {
  const described = await describe({ MLmodel: MLMODEL, 'serving_input_example.json': json })
  expect(described.inputExample).toBeNull()
  expect(described.problems).toHaveLength(problems)
})

test.each([
  ['no YAML', ': : [', 1],
  ['a list', '- a\n- b', 0],
  ['a signature that is no JSON', "signature: {inputs: '[{'}", 1],
  ['a type of the future', `signature: {inputs: '[{"type": "quaternion", "name": "q"}]'}`, 1],
])('a declaration with %s is no failure, but a problem on record', (_, text, problems) => {
  const { description } = modelIn(text)
  expect(description.onnx).toBeNull()
  expect(description.problems).toHaveLength(problems)
})

test('files without a declaration describe nothing', async () => {
  expect(await describe({ 'weights.bin': '' })).toMatchObject({ flavors: [], signature: null })
})
